import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemplateProcess } from './templateProcess.ts';
import type { RenderJob } from './types.ts';

const job = (id: number, template: string): RenderJob => ({
  id,
  hash: template,
  template,
  bosText: '',
  eosText: '',
  messages: [{ role: 'user', content: 'Hello' }],
  variables: {},
  tools: [],
  nonce: '0123456789abcdef',
  maxOutput: 10_000,
});
const PLAIN = '{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}';

test.skipIf(process.platform !== 'linux')(
  'a machine that is busy with others costs no answer',
  async () => {
    const renderer = new TemplateProcess(new URL('./worker.ts', import.meta.url), 64);
    try {
      await renderer.ready();
      expect(await renderer.ask(job(1, PLAIN), 20_000)).toMatchObject({ ok: true });
      process.kill(renderer.pid!, 'SIGSTOP');
      const asked = renderer.ask(job(2, PLAIN), 400);
      await sleep(1500);
      process.kill(renderer.pid!, 'SIGCONT');
      expect(await asked).toMatchObject({ id: 2, ok: true });
      // One that computes without end is not waited for.
      const endless = '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}';
      expect(await renderer.ask(job(3, endless), 400)).toMatch(/took too long|crashed/);
    } finally {
      renderer.kill();
    }
  },
  60_000,
);
