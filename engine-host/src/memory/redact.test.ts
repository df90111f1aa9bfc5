import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redact } from './redact.ts';
import { WorkerRedactor } from './redactor.ts';

const KEY = new Uint8Array(32).fill(7);

/** Made up, in the shape of real ones; put together here so that no scanner takes this file for a leak. */
const SECRETS = [
  `AKIAQ7MZP2LXWV4TNB3K`,
  `ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8`,
  `xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx`,
  `sk-ant-api03-${'Zk3'.repeat(31)}AA`,
  `-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7x\n-----END RSA PRIVATE KEY-----`,
  `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U`,
];

describe('redaction', () => {
  test.each(SECRETS)('%s goes', async (secret) => {
    const { text, counts } = await redact(`before ${secret} after`, KEY);
    expect(text).not.toContain(secret.slice(5, 30));
    expect(text).toMatch(/^before ⟨secret:[\w-]+:[0-9a-f]{4}⟩ after$/);
    expect(Object.values(counts)).toEqual([1]);
  });

  test.each([
    ['password: "hunter2hunter9X"', 'hunter2hunter9X'],
    ['API_KEY=9f8a7b6c5d4e3f2a1b0c', '9f8a7b6c5d4e3f2a1b0c'],
    ['postgres://app:s3cretPw99@db.local/x', 's3cretPw99'],
    ['my password is hunter2', 'hunter2'],
    ['The PIN for the back door is 4821.', '4821'],
    ['our api key for the staging shop is zx-Ab9', 'zx-Ab9'],
    ['the access token of the bot has been changed to "qW3rty!"', 'qW3rty!'],
    ['Authorization: Bearer abcdef0123456789abcdef0123', 'abcdef0123456789abcdef0123'],
  ])('%s: the value goes', async (text, value) => {
    expect((await redact(text, KEY)).text).not.toContain(value);
  });

  test.each([
    'const token = await getToken(request);',
    'password: process.env.PASSWORD',
    'the secret of good code is naming',
    'auth = authenticate(user1, user2)',
    'my password is wrong and I cannot log in',
    'the api key is missing, what now?',
    'the password for this is stored in the vault',
  ])('ordinary code stays: %s', async (text) => {
    expect(await redact(text, KEY)).toEqual({ text, counts: {} });
  });

  test('equal secrets get equal marks, other machines other ones', async () => {
    const secret = SECRETS[0]!;
    const { text } = await redact(`${secret} ${secret}`, KEY);
    const [a, b] = text.split(' ');
    expect(a).toBe(b);
    expect((await redact(secret, new Uint8Array(32).fill(8))).text).not.toBe(a);
  });

  test('the content of denied files goes, whatever is in it', async () => {
    const prompt =
      'Look at `.env`:\n```\nFOO=bar\n```\nand\n```ts src/a.ts\nconst a = 1;\n```\n<file path="keys/id_rsa">x</file>';
    const { text, counts } = await redact(prompt, KEY);
    expect(text).not.toContain('FOO=bar');
    expect(text).not.toContain('>x<');
    expect(text).toContain('const a = 1;');
    expect(counts['file']).toBe(2);
  });

  test('code that speaks of process.env is not the file', async () => {
    const text = 'Why is process.env undefined here:\n```ts\nconst a = process.env.HOME;\n```';
    expect(await redact(text, KEY)).toEqual({ text, counts: {} });
  });
});

describe('the worker', () => {
  let folder: string;
  let entry: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-redact-'));
    entry = path.join(folder, 'worker.mjs');
    await build({
      entryPoints: [path.join(import.meta.dirname, 'redactionWorker.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: entry,
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'silent',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('answers, in order, several at once', async () => {
    const redactor = new WorkerRedactor(entry, KEY);
    const answers = await Promise.all(['a', SECRETS[0]!, 'c'].map((text) => redactor.redact([text])));
    expect(answers.map((a) => a[0]!.text)).toEqual(['a', expect.stringContaining('⟨secret:aws:'), 'c']);
    await redactor.close();
  });

  test('fails closed when it cannot start', async () => {
    const redactor = new WorkerRedactor(path.join(folder, 'missing.mjs'), KEY);
    await expect(redactor.redact(['x'])).rejects.toMatchObject({ code: 'internal' });
    await redactor.close();
  });
});

test('nothing is kept of the texts that were searched, so that the ten-thousandth is as quick as the first', async () => {
  performance.clearMarks();
  for (let i = 0; i < 50; i++) await redact(`My manager is Priya ${i}.`, KEY);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(performance.getEntries().filter(({ entryType }) => entryType === 'mark' || entryType === 'measure')).toEqual(
    [],
  );
});
