/** Whether a profile still is about this file on this machine. */
import type { Profile } from '#protocol/profile.ts';
import type { MachineFacts } from './machineFacts.ts';

export interface FileFacts {
  readonly bytes: number;
  readonly modifiedAt: number;
  /** Where somebody has looked at the header. */
  readonly modelHash?: string;
}

/** Memory that differs by less changes no decision. */
const SAME_MEMORY = 0.1;

/** What has changed, each in a few words; empty: it holds. */
export function staleReasons(profile: Profile, file: FileFacts | undefined, machine: MachineFacts): string[] {
  const reasons: string[] = [];
  const { model, machine: before } = profile;
  if (file === undefined) reasons.push('the file is gone');
  else if (file.modelHash !== undefined && file.modelHash !== model.modelHash)
    reasons.push('the file is another model');
  else if (file.bytes !== model.bytes || Math.abs(file.modifiedAt - model.modifiedAt) >= 1)
    reasons.push('the file has changed');
  if (machine.processor !== before.processor) reasons.push('the processor is another one');
  if (Math.abs(machine.totalBytes - before.totalBytes) > SAME_MEMORY * before.totalBytes)
    reasons.push('the machine has more or less memory, or may use more or less of it');
  if (machine.gpu !== before.gpu) reasons.push('the graphics processor is another one');
  return reasons;
}
