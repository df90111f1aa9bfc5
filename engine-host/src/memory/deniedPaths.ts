/** Files whose content never enters the log, wherever a prompt quotes them. */
const NAMES: readonly RegExp[] = [
  /^\.env(\..+)?$/i,
  /^\.(npmrc|netrc|pgpass|htpasswd|git-credentials|dockercfg)$/i,
  /^_netrc$/i,
  /^id_(rsa|dsa|ecdsa|ed25519)$/i,
  /\.(pem|key|p12|pfx|kdbx|keystore|jks|ppk|asc|gpg)$/i,
  /^(credentials|secrets?)(\.(json|ya?ml|toml|ini|txt))?$/i,
  /^service[-_]account.*\.json$/i,
];

/** True for the path of a file that is known to hold secrets. */
export function isDeniedPath(path: string): boolean {
  const name = path.split(/[/\\]/).at(-1) ?? '';
  return NAMES.some((pattern) => pattern.test(name)) || /[/\\]\.(ssh|aws|gnupg)[/\\]/.test(path);
}

/** A fenced block with what stands on its fence and on the line above. */
const FENCE = /(^|\n)([^\n]*\n)?([ \t]*)(`{3,}|~{3,})([^\n]*)\n([\s\S]*?)(\n[ \t]*\4[ \t]*(?=\n|$)|$)/g;
/** A tagged block such as `<file path=".env">…</file>`. */
const TAGGED = /<(\w+)\b([^>]*)>([\s\S]*?)<\/\1>/g;

/** Replaces quoted content of denied files by `mark`. @returns the text and how many blocks went */
export function cutDeniedFiles(text: string, mark: string): { text: string; cut: number } {
  let cut = 0;
  const names = (line: string): boolean =>
    line.split(/[\s"'`()<>:,=[\]{}#*]+/).some((w) => w !== '' && isDeniedPath(w));
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
