/** One render, as the worker does it: probe, normalise, render plain, render marked, compare, cut. */
import { compile, renderTemplate } from './compiled.ts';
import { collides, createMarks, mark, markControls, split, unmark, type Marks } from './marks.ts';
import { normalise } from './normalise.ts';
import { probe } from './probe.ts';
import type { RenderedPrompt, RenderJob, TemplateCapabilities, TemplateMessage } from './types.ts';

const capabilities = new Map<string, TemplateCapabilities>();

/** @throws what the template throws, and a RangeError when the output is longer than allowed. */
export function renderJob(job: RenderJob): Omit<RenderedPrompt, 'fallback'> {
  const template = compile(job.hash, job.template);
  const known = capabilities.get(job.hash);
  const can = known ?? probe(template, job.bosText, job.eosText);
  if (known === undefined) {
    if (capabilities.size > 64) capabilities.clear();
    capabilities.set(job.hash, can);
  }
  const messages = normalise(job.messages, can);
  const render = (list: readonly TemplateMessage[], limit: number): string => {
    const text = renderTemplate(template, list, { ...job, contentParts: can.contentParts });
    if (text.length > limit) throw new RangeError(`the output has ${text.length} characters, ${limit} are allowed`);
    return text;
  };
  const plain = render(messages, job.maxOutput);

  const marks = freshMarks(job);
  const marked = render(
    messages.map((m) => ({ role: m.role, content: mark(marks, m.content) })),
    job.maxOutput * 2,
  );
  if (unmark(marks, marked) === plain) return { parts: split(marks, marked), capabilities: can, method: 'marked' };

  // The template depends on what contents are (their length, how they begin). Only what could be a control token is marked now;
  // a conversation without any comes out plain. Should even that differ, the safe text wins over the exact one.
  const controls = freshMarks(job);
  const extra = [job.bosText, job.eosText];
  const safe = render(
    messages.map((m) => ({
      role: m.role,
      content: markControls(controls, m.content, extra, m.role === 'assistant'),
    })),
    job.maxOutput * 2,
  );
  return { parts: split(controls, safe), capabilities: can, method: 'neutralised' };
}

function freshMarks(job: RenderJob): Marks {
  for (let round = 0; round < 8; round++) {
    const marks = createMarks(job.nonce + round.toString(16));
    if (!collides(marks, job.template) && !job.messages.some((m) => collides(marks, m.content))) return marks;
  }
  throw new RangeError('the contents hold every mark that was tried');
}
