/** Failures in plain words, made from their code. */
import { toWireError, type ErrorCode } from '#protocol/errors.ts';

const WORDS: Partial<Record<ErrorCode, string>> = {
  engine_starting: 'The engine is still starting. Try again in a moment.',
  engine_crashed: 'The engine stopped in the middle of the answer. It is being restarted; try again in a few seconds.',
  busy: 'The engine has too much to do right now. Try again in a moment.',
  context_overflow: 'This chat has become longer than the model can read. Start a new chat, or attach less.',
  out_of_memory: 'There is not enough free memory for this model. Close something, or choose a smaller model.',
  model_not_found: 'The model is not on this machine. Choose one with “Zell: Choose Model”.',
  template_failed: "The model's chat template does not work. Choose another model.",
  timeout: 'The engine did not answer in time.',
  unauthorized: 'The engine did not accept this window. Restart it with “Zell: Restart Engine”.',
  incompatible: 'The running engine belongs to another version of Zell. Restart it with “Zell: Restart Engine”.',
  disk_full: 'The disk is full.',
};

/** One or two sentences for a person; numbers of the failure follow where it has some. */
export function explainError(error: unknown): string {
  const { code, message } = toWireError(error);
  const words = WORDS[code];
  if (words === undefined) return message;
  const carriesNumbers = code === 'context_overflow' || code === 'out_of_memory' || code === 'model_not_found';
  return carriesNumbers && message !== '' ? `${words} (${message})` : words;
}
