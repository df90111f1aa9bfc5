import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Announcement } from '#protocol/announcement.ts';
import { findRunning, readAnnouncement, removeAnnouncement, writeAnnouncement } from './announcement.ts';
import { claimHome } from './single.ts';
import { memoryLock, temporaryHome } from './testing/fakes.ts';

const sample: Announcement = {
  v: 1,
  pid: 1,
  host: '127.0.0.1',
  port: 1,
  token: 't',
  instance: 'one',
  version: '0.1.0',
};

/** Something that answers `/api/version` as a host does. */
async function listening(instance: string, token?: string): Promise<number> {
  const server = createServer((request, response) => {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end('{}');
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ version: '0.1.0', zell: { instance } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('is written whole, for the user alone, and leaves nothing beside it', async () => {
  const { home, announcement } = await temporaryHome();
  await mkdir(home, { recursive: true });
  await writeAnnouncement(announcement, sample);
  expect(await readAnnouncement(announcement)).toEqual(sample);
  expect(await readdir(home)).toEqual([path.basename(announcement)]);
  if (process.platform !== 'win32') expect((await stat(announcement)).mode & 0o777).toBe(0o600);
});

test('only its own host removes it', async () => {
  const { home, announcement } = await temporaryHome();
  await mkdir(home, { recursive: true });
  await writeAnnouncement(announcement, sample);
  await removeAnnouncement(announcement, 'another');
  expect(await readAnnouncement(announcement)).toBeDefined();
  await removeAnnouncement(announcement, 'one');
  expect(await readAnnouncement(announcement)).toBeUndefined();
});

test('counts only while the same instance answers', async () => {
  const { home, announcement } = await temporaryHome();
  await mkdir(home, { recursive: true });
  const port = await listening('one');
  await writeAnnouncement(announcement, { ...sample, port });
  expect((await findRunning(announcement))?.port).toBe(port);
  // Another program, or another life of the host, has the port now.
  await writeAnnouncement(announcement, { ...sample, port, instance: 'two' });
  expect(await findRunning(announcement)).toBeUndefined();
  await writeFile(announcement, '{"v":1,"pid":');
  expect(await findRunning(announcement)).toBeUndefined();
});

test('a host that asks for a key is found all the same', async () => {
  const { home, announcement } = await temporaryHome();
  await mkdir(home, { recursive: true });
  await writeAnnouncement(announcement, { ...sample, port: await listening('one', sample.token) });
  expect(await findRunning(announcement)).toBeDefined();
});

test('a stale announcement does not keep the next host out', async () => {
  const paths = await temporaryHome();
  await mkdir(paths.home, { recursive: true });
  await writeAnnouncement(paths.announcement, sample);
  const claim = await claimHome({ lock: memoryLock(), paths, version: '0.1.0', requestDrain: fail });
  expect(claim.kind).toBe('mine');
});

test('a second host joins the first; a newer one asks it to leave and waits', async () => {
  const paths = await temporaryHome();
  await mkdir(paths.home, { recursive: true });
  const lock = memoryLock();
  const handle = lock.tryLock(paths.lock);
  await writeAnnouncement(paths.announcement, { ...sample, port: await listening('one') });
  const same = await claimHome({ lock, paths, version: '0.1.0', requestDrain: fail });
  expect(same.kind === 'joined' && same.other.instance).toBe('one');
  let asked = 0;
  const newer = await claimHome({
    lock,
    paths,
    version: '0.2.0',
    requestDrain: async () => {
      asked += 1;
      setTimeout(() => lock.unlock(handle ?? 0), 60);
    },
  });
  expect(newer.kind).toBe('mine');
  expect(asked).toBe(1);
});

test('a holder that never answers is reported, not waited for forever', async () => {
  const paths = await temporaryHome();
  const lock = memoryLock();
  lock.tryLock(paths.lock);
  const claim = claimHome({ lock, paths, version: '0.1.0', requestDrain: fail, patienceMs: 60 });
  await expect(claim).rejects.toMatchObject({ code: 'busy' });
});

function fail(): Promise<void> {
  throw new Error('nobody should be asked to leave');
}
