/** Which documents of the editor may be completed or attached. */
import { isSecretPath } from '#protocol/secretFiles.ts';

/** URI schemes whose documents hold text that a person edits. Output panes, diffs of settings and the like are not asked for. */
const EDITED_SCHEMES = new Set([
  'file',
  'untitled',
  'vscode-remote',
  'vscode-vfs',
  'vscode-notebook-cell',
  'vscode-userdata',
]);

/** True when a document of this kind may be completed or attached at all. */
export function maySend(scheme: string, path: string): boolean {
  return EDITED_SCHEMES.has(scheme) && !isSecretPath(path);
}
