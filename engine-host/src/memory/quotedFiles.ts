/** Cuts what a prompt quotes of secret files, so that their content never enters the log. */
import { isSecretPath } from '#protocol/secretFiles.ts';

/** Ordinary code that looks like the name of a secret file. */
const CODE = /^(?:process|meta|import\.meta|os|app|window|globalThis|c|ctx)\.env$/i;

/** A fenced block with what stands on its fence and on the line above. */
const FENCE = /(^|\n)([^\n]*\n)?([ \t]*)(`{3,}|~{3,})([^\n]*)\n([\s\S]*?)(\n[ \t]*\4[ \t]*(?=\n|$)|$)/g;
/** A tagged block such as `<file path=".env">…</file>`. */
const TAGGED = /<(\w+)\b([^>]*)>([\s\S]*?)<\/\1>/g;

/** Replaces quoted content of secret files by `mark`. @returns the text and how many blocks went */
export function cutSecretFiles(text: string, mark: string): { text: string; cut: number } {
  let cut = 0;
  const names = (line: string): boolean =>
    line.split(/[\s"'`()<>:,=[\]{}#*]+/).some((w) => w !== '' && !CODE.test(w) && isSecretPath(w));
  const fenced = text.replace(
    FENCE,
    (
      whole,
      start: string,
      above: string | undefined,
      indent: string,
      fence: string,
      info: string,
      _body,
      end: string,
    ) => {
      if (!names(info) && !names(above ?? '')) return whole;
      cut++;
      return `${start}${above ?? ''}${indent}${fence}${info}\n${mark}${end}`;
    },
  );
  const tagged = fenced.replace(TAGGED, (whole, tag: string, attributes: string) => {
    if (!names(attributes)) return whole;
    cut++;
    return `<${tag}${attributes}>${mark}</${tag}>`;
  });
  return { text: tagged, cut };
}
