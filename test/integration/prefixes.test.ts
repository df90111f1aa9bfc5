// Known prefixes over restarts: the same text as computed, after SIGTERM, after SIGKILL while writing, after damage; nothing for incognito.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();

/** About `lines` × 16 tokens. */
const rules = (lines: number, about: string): string =>
  Array.from({ length: lines }, (_, i) => `${i}. When they ask about ${about}, be brief, kind and exact.`).join('\n');

interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

interface Asked {
  readonly text: string;
  readonly cached: number;
  readonly prompt: number;
  readonly ms: number;
}

async function ask(
  host: RunningHost,
  system: string,
  user: string,
  headers: Record<string, string> = {},
): Promise<Asked> {
  const begin = performance.now();
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
  const body = { model: 'zell', messages, temperature: 0, max_tokens: 12 };
  const answer = await host.post<Answer>('/v1/chat/completions', body, headers);
  return {
    text: answer.choices[0]!.message.content,
    cached: answer.usage.prompt_tokens_details.cached_tokens,
    prompt: answer.usage.prompt_tokens,
    ms: performance.now() - begin,
  };
}

describe.skipIf(unavailable !== undefined)('prefixes on the disk', () => {
  let home: ZellHome;
  beforeAll(async () => {
    home = await ZellHome.make();
  });
  afterAll(() => home.remove());

  const files = (): string[] => {
    try {
      return readdirSync(home.path('system-prompts')).filter((name) => name.endsWith('.kv'));
    } catch {
      return [];
    }
  };
  const written = (count: number): Promise<void> =>
    until('the prefix is written', () => files().length >= count, 20_000);

  async function withHost<T>(work: (host: RunningHost) => Promise<T>, env: Record<string, string> = {}): Promise<T> {
    const host = await home.serve(['--port', '0'], env);
    try {
      return await work(host);
    } finally {
      await host.stop();
    }
  }

  test('a restart keeps a system prompt, and its answer is the computed one, to the letter', async () => {
    const system = rules(50, 'cheese');
    const cold = await withHost(async (host) => {
      const first = await ask(host, system, 'Which is the best?');
      expect(first.cached).toBe(0);
      await written(1);
      return first;
    });
    const fresh = await withHost((host) => ask(host, system, 'And the worst?'), { ZELL_PREFIX_DISK_MB: '0' });
    expect(fresh.cached).toBe(0);
    const warm = await withHost((host) => ask(host, system, 'And the worst?'));
    expect(warm.cached).toBeGreaterThan(warm.prompt - 64);
    expect(warm.text).toBe(fresh.text);
    console.log(
      `${cold.prompt} prompt tokens, 12 new: cold ${cold.ms.toFixed(0)} ms, restored after a restart ${warm.ms.toFixed(0)} ms`,
    );
    const [name] = files();
    expect(statSync(home.path('system-prompts', name!)).mode & 0o777).toBe(0o600);
  });

  test('a damaged file is a miss', async () => {
    const system = rules(50, 'cheese');
    const [name] = files();
    const at = home.path('system-prompts', name!);
    const bytes = readFileSync(at);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(at, bytes);
    const [half, whole] = await withHost(async (host) => [
      await ask(host, system, 'And the worst?'),
      await ask(host, system, 'And the worst?'),
    ]);
    expect(half.cached).toBeGreaterThan(0);
    expect(half.cached).toBeLessThan((half.prompt * 2) / 3);
    expect(whole.text).toBe(half.text);
  });

  test('SIGKILL of host and engine while a prefix is written harms nothing', async () => {
    const system = rules(38, 'kites');
    for (const delay of [0, 20]) {
      const host = await home.serve();
      const { enginePid } = host;
      await ask(host, `${delay} ${system}`, 'Which?');
      await new Promise((resolve) => setTimeout(resolve, delay));
      process.kill(enginePid, 'SIGKILL');
      host.process.kill('SIGKILL');
      await host.ended;
    }
    await withHost(async (host) => {
      for (const delay of [0, 20]) {
        const after = await ask(host, `${delay} ${system}`, 'Which?');
        const again = await ask(host, `${delay} ${system}`, 'Which?', { 'x-zell-incognito': '1' });
        expect(again.text).toBe(after.text);
      }
    });
    expect(readdirSync(home.path('system-prompts')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('what is asked incognito, or while recording is off, never reaches the disk', async () => {
    const before = files();
    await withHost(async (host) => {
      await ask(host, rules(38, 'secrets'), 'Which?', { 'x-zell-incognito': '1' });
      await home.zell(['memory', 'off']);
      await ask(host, rules(38, 'ciphers'), 'Which?');
      await home.zell(['memory', 'on']);
    });
    expect(files()).toEqual(before);
  });

  test('`zell build` keeps a system prompt: the first request of the next host starts warm', async () => {
    const system = rules(45, 'lighthouses');
    writeFileSync(home.path('prompt.txt'), system);
    const built = await home.zell(['build', '--no-profile', '--system-prompt', home.path('prompt.txt'), '--json']);
    expect(built.stderr).not.toContain('zell:');
    const { tokens, cachedTokens, keptTokens, bytes, ms } = JSON.parse(built.stdout) as Record<string, number>;
    expect(tokens).toBeGreaterThan(512);
    expect(cachedTokens).toBe(0);
    expect(keptTokens).toBe(tokens);
    expect(bytes).toBeGreaterThan(tokens! * 1000);
    expect(ms).toBeGreaterThan(0);
    const first = await withHost((host) => ask(host, system, 'Which is the tallest?'));
    // All of the system prompt, to the token.
    expect(first.cached).toBeGreaterThanOrEqual(tokens!);
    expect(first.prompt - first.cached).toBeLessThan(24);
    const cold = await withHost((host) => ask(host, system, 'Which is the tallest?'), { ZELL_PREFIX_DISK_MB: '0' });
    expect(cold.cached).toBe(0);
    expect(cold.text).toBe(first.text);

    const again = await home.zell(['build', '--no-profile', '--system-prompt', system]);
    expect(again.stdout).toMatch(/known before; \d+ are kept on the disk .*\n.*starts warm/);
    expect((await home.zell(['build', '--no-profile', '--system-prompt', 'Be brief.'])).stdout).toContain(
      'Nothing was kept',
    );
    const secret = await home.zell(['build', '--no-profile', '--system-prompt', `${system} AKIAIOSFODNN7EXAMPLE`]);
    expect(secret.code).toBe(2);
    expect(secret.stderr).toContain('secret');
  });

  test('erasing the memory erases the prefixes', async () => {
    expect(files()).not.toEqual([]);
    await withHost(async (host) => {
      await ask(host, rules(38, 'boats'), 'Which?');
      await home.zell(['memory', 'clear', '--yes']);
      expect(files()).toEqual([]);
      expect((await ask(host, rules(38, 'boats'), 'Which?')).cached).toBe(0);
    });
  });
});
