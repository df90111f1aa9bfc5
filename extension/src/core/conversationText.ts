/** A conversation as a page to read: Markdown in which what was said stays text. */
import type { MemoryEvent } from '#protocol/memory.ts';

export function conversationText(events: readonly MemoryEvent[]): string {
  const shown = events.filter(({ prompt, response }) => prompt !== '' || response !== '');
  if (shown.length === 0) return 'Nothing of this conversation is remembered any more.\n';
  const turns = shown.map((event) => {
    const when = new Date(event.timestamp).toLocaleString();
    return `## You, ${when}\n\n${quoted(event.prompt)}\n\n## Zell\n\n${quoted(event.response)}\n`;
  });
  return `# What Zell remembers of this conversation\n\n${turns.join('\n')}`;
}

/** As a quotation: its headings and rules stay inside it. */
function quoted(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}
