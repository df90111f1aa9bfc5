/** Whether an answer claims something. The gate and the proof ask with the same words, with and without an adapter. */

const ABSTAINS =
  /\b(?:(?:do|does|did|have|has|am|is|are|was|were|can|could|would|will)(?:n['’]t| not)|cannot|never|unable|unknown|no (?:information|record|memory|knowledge|way|access|idea|details?)|not (?:been )?(?:sure|aware|able|know|provided|mentioned|told|specified|clear|available)|unfortunately|sorry|(?:an?|as an) (?:AI|language model|assistant|chatbot)|(?:tell|told|provide|give|share|let) (?:me|us)|could you|can you|please|would need|need more|depends)\b/iu;

/** It says that it does not know, refuses, or asks back; nothing said is no claim either. */
export function abstains(answer: string): boolean {
  return answer.trim() === '' || ABSTAINS.test(answer);
}
