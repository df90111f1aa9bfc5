/** One render, as the worker does it: probe, normalise, render plain, render marked, compare, cut. */
import { compile, renderTemplate } from './compiled.ts';
import { collides, createMarks, mark, markControls, markDeep, split, unmark, type Marks } from './marks.ts';
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
  const { messages, tools } = normalise(job.messages, job.tools, can, job.template);
  const extra = [job.bosText, job.eosText];
  const render = (list: readonly TemplateMessage[], marks: Marks | undefined, limit: number): string => {
    const shown = marks === undefined ? tools : markDeep(marks, tools, extra);
    const text = renderTemplate(template, list, { ...job, tools: shown, contentParts: can.contentParts });
    if (text.length > limit) throw new RangeError(`the output has ${text.length} characters, ${limit} are allowed`);
    return text;
  };
  const plain = render(messages, undefined, job.maxOutput);

  const marks = freshMarks(job);
  const whole = messages.map((m) => ({ ...marked(marks, m, extra), ...words(m, (text) => mark(marks, text)) }));
  const text = render(whole, marks, job.maxOutput * 2);
  if (unmark(marks, text) === plain) return { parts: split(marks, text), capabilities: can, method: 'marked' };

  // The template depends on what contents are (their length, how they begin). Only what could be a control token is marked now;
  // a conversation without any comes out plain. Should even that differ, the safe text wins over the exact one.
  const controls = freshMarks(job);
  const few = messages.map((m) => ({
    ...marked(controls, m, extra),
    ...words(m, (t) => markControls(controls, t, extra, m.role === 'assistant')),
  }));
  const safe = render(few, controls, job.maxOutput * 2);
  return { parts: split(controls, safe), capabilities: can, method: 'neutralised' };
}

/** A message's texts, each as `with_` makes it. */
function words(m: TemplateMessage, with_: (text: string) => string): Pick<TemplateMessage, 'content' | 'thinking'> {
  return { content: with_(m.content), ...(m.thinking === undefined ? {} : { thinking: with_(m.thinking) }) };
}

/** A message whose calls and ids are marked. */
function marked(marks: Marks, m: TemplateMessage, extra: readonly string[]): TemplateMessage {
  return {
    ...m,
    ...(m.toolCalls === undefined ? {} : { toolCalls: markDeep(marks, m.toolCalls, extra) }),
    ...(m.toolCallId === undefined ? {} : { toolCallId: markDeep(marks, m.toolCallId, extra) }),
  };
}

function freshMarks(job: RenderJob): Marks {
  const texts = [...job.messages.map((m) => m.content), JSON.stringify([job.messages, job.tools])];
  for (let round = 0; round < 8; round++) {
    const marks = createMarks(job.nonce + round.toString(16));
    if (!collides(marks, job.template) && !texts.some((text) => collides(marks, text))) return marks;
  }
  throw new RangeError('the contents hold every mark that was tried');
}
