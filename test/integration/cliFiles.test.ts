// Files that are no usable model, given to the `zell` command: one sentence each, and the engine goes on.
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesUnavailable } from '../helpers/processes.ts';
import { ZellHome } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
let home: ZellHome;
beforeAll(async () => {
  if (unavailable !== undefined) return;
  home = await ZellHome.make();
  await home.serve();
  // The first run of a home tells what is written down.
  await home.zell(['run', '--max-tokens', '1', 'Hi']);
});
afterAll(() => (unavailable === undefined ? home.remove() : undefined));

describe.skipIf(unavailable !== undefined)('files that are no usable model', () => {
  /** Metadata and tensor table of the default model, then a hole: loading never gets to the weights. */
  const HEAD_BYTES = 4 * 1024 * 1024;
  function head(): Buffer {
    const bytes = Buffer.alloc(HEAD_BYTES);
    const file = openSync(home.model, 'r');
    readSync(file, bytes, 0, HEAD_BYTES, 0);
    closeSync(file);
    return bytes;
  }
  function write(name: string, bytes: Buffer, size = 98_362_432): string {
    const target = home.path(name);
    const file = openSync(target, 'w');
    writeSync(file, bytes);
    ftruncateSync(file, size);
    closeSync(file);
    return target;
  }
  /** Overwrites the bytes `shift` behind the first place where `text` stands. */
  function patched(text: string, shift: number, bytes: Buffer | string): Buffer {
    const result = head();
    const at = result.indexOf(text);
    if (at < 0) throw new Error(`${text} is not in the header`);
    Buffer.from(bytes).copy(result, at + shift);
    return result;
  }

  const FILES: Record<string, () => string> = {
    'a file that is not there': () => home.path('missing.gguf'),
    'an empty file': () => write('empty.gguf', Buffer.alloc(0), 0),
    'a text': () => {
      writeFileSync(home.path('text.gguf'), 'This is no model.\n'.repeat(100));
      return home.path('text.gguf');
    },
    'a folder': () => {
      mkdirSync(home.path('folder.gguf'), { recursive: true });
      return home.path('folder.gguf');
    },
    'a file cut in its header': () => write('cut-header.gguf', head(), 1000),
    'a file cut in its tensors': () => write('cut-tensors.gguf', head(), 60_000_000),
    'another version': () => write('version.gguf', patched('GGUF', 4, Buffer.from([99, 0, 0, 0]))),
    'an absurd number of tensors': () =>
      write('tensors.gguf', patched('GGUF', 8, Buffer.from([255, 255, 255, 255, 255, 255, 255, 127]))),
    'an absurd number of keys': () =>
      write('keys.gguf', patched('GGUF', 16, Buffer.from([255, 255, 255, 255, 255, 255, 255, 127]))),
    'an unknown architecture': () => write('arch.gguf', patched('general.architecture', 32, 'zlama')),
    'a missing tensor': () => write('missing-tensor.gguf', patched('blk.3.attn_q.weight', 0, 'xlk.3')),
    // Name, number of dimensions, two dimensions, then the type.
    'an unknown tensor type': () =>
      write('type.gguf', patched('blk.3.attn_q.weight', 'blk.3.attn_q.weight'.length + 20, Buffer.from([250]))),
    'a tensor outside the file': () =>
      write(
        'offset.gguf',
        patched('blk.3.attn_q.weight', 'blk.3.attn_q.weight'.length + 24, Buffer.from([0, 0, 0, 0, 255])),
      ),
  };
  test.each(Object.entries(FILES))('%s: one sentence, code 1', async (_name, make) => {
    const file = make();
    const { code, stdout, stderr } = await home.zell(['run', file, 'Hi']);
    expect(stderr).toMatch(/^zell: [^\n]{20,400}\n$/);
    expect(stderr).toMatch(/\.\n$/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
  });
  test('none of them hurt the engine', async () => {
    const answer = await home.json<{ text: string }>(['ask', 'What is the capital of France?', '--max-tokens', '20']);
    expect(answer.text).toContain('Paris');
    const log = readFileSync(home.path('engine.log'), 'utf8');
    expect(log).not.toMatch(/ended by SIG|it ended with code/);
  });
});

if (unavailable !== undefined) test.skip(`no tests of unusable files: ${unavailable}`);
