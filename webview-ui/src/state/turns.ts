/** What an event makes of the turns that are shown. */
import type { ChatTurn } from '#protocol/webview.ts';

/** The turn with the text added, or undefined when something between was missed and the page must ask for the whole. */
export function withDelta(turn: ChatTurn, at: number, text: string): ChatTurn | undefined {
  if (at > turn.text.length) return undefined;
  if (at + text.length <= turn.text.length) return turn;
  return { ...turn, text: turn.text.slice(0, at) + text };
}

/** True while an answer arrives. */
export function isAnswering(turns: Iterable<ChatTurn>): boolean {
  for (const turn of turns) if (turn.state === 'streaming') return true;
  return false;
}
