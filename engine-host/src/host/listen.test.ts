import { createServer, type RequestListener, type Server } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openPort } from './listen.ts';

// The default port may be anybody's on the machine of a test: another range stands for it.
vi.mock('#protocol/announcement.ts', async (original) => ({
  ...(await original<object>()),
  DEFAULT_PORT: 29_434,
}));
const PORT = 29_434;

async function occupied(listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(PORT, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
}

function ours(): Server {
  const server = createServer();
  onTestFinished(() => void server.close());
  return server;
}

test('takes the default port when it is free', async () => {
  expect(await openPort(ours(), '127.0.0.1', undefined)).toEqual({ port: PORT });
});

test('takes the next one and names a real Ollama', async () => {
  await occupied((_request, response) => response.end('{"version":"0.12.3"}'));
  const { port, note } = await openPort(ours(), '127.0.0.1', undefined);
  expect(port).toBe(PORT + 1);
  expect(note).toContain('Ollama 0.12.3');
  expect(note).toContain(String(PORT + 1));
});

test('takes the next one beside any other program', async () => {
  await occupied((_request, response) => response.end('<html>'));
  expect((await openPort(ours(), '127.0.0.1', undefined)).note).toContain('another program');
});
