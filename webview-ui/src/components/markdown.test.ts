import { expect, test } from 'vitest';
import { hasReferences, lastBlockStart, renderMarkdown } from './markdown.ts';

test('plain markdown', () => {
  expect(renderMarkdown('# A\n\n**b** `c`')).toBe('<h3>A</h3>\n<p><strong>b</strong> <code>c</code></p>\n');
});

test('known code is coloured, unknown code is only escaped', () => {
  expect(renderMarkdown('```ts\nconst a = 1;\n```')).toContain('<span class="hljs-keyword">const</span>');
  expect(renderMarkdown('```nonsense\n<b>\n```')).toContain('<code>&lt;b&gt;\n</code>');
});

test('a link carries its address as data and has no href', () => {
  const html = renderMarkdown('[text](https://example.com/?a=1&b=2)');
  expect(html).toContain('data-href="https://example.com/?a=1&amp;b=2"');
  expect(html).not.toContain(' href=');
});

test('a picture becomes a link', () => {
  expect(renderMarkdown('![cat](https://example.com/cat.png)')).toContain('>Image: cat</a>');
  expect(renderMarkdown('![cat](https://example.com/cat.png)')).not.toContain('<img');
});

/** Each of these tries to run, load or restyle something. */
const HOSTILE = [
  '<script>run()</script>',
  '<img src=x onerror=run()>',
  '<svg/onload=run()>',
  '<iframe src="javascript:run()"></iframe>',
  '<base href="https://evil.example/">',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<style>*{background:url(https://evil.example)}</style>',
  '<math><mtext><table><mglyph><style><img src=x onerror=run()>',
  '[a](javascript:run())',
  '[a](JaVaScRiPt:run())',
  '[a](data:text/html,<script>run()</script>)',
  '[a](command:zell.clearMemory)',
  '[a](vscode://file/etc)',
  '![a](data:image/svg+xml;base64,AAAA)',
  '![" onerror="run()](https://evil.example/x.png)',
  '[a](https://evil.example/" onmouseover="run())',
  '[a](https://evil.example "x\\" onclick=\\"run()")',
  '```"><script>run()</script>\ncode\n```',
  '```html\n<script>run()</script>\n```',
  '<https://evil.example/"onclick=run()>',
  '&lt;script&gt;run()&lt;/script&gt;',
  '[x]: javascript:run()\n\n[x]',
  '| a |\n|---|\n| <img src=x onerror=run()> |',
];

test.each(HOSTILE)('%s makes nothing that runs or loads', (source) => {
  const tags = [...renderMarkdown(source).matchAll(/<([a-z0-9]+)((?:\s+[a-z-]+="[^"]*")*)\s*\/?>/g)];
  const rest = renderMarkdown(source).replace(/<\/?[a-z0-9]+(?:\s+[a-z-]+="[^"]*")*\s*\/?>/g, '');
  expect(rest).not.toContain('<');
  for (const [, tag = '', attributes = ''] of tags) {
    expect(
      'p br h3 h4 h5 h6 strong em s code pre blockquote ul ol li table thead tbody tr th td a span div'.split(' '),
    ).toContain(tag);
    expect(attributes).not.toMatch(/\s(?:on\w+|href|src|srcset|style|id|name)=/);
  }
});

test('data-href never has another scheme', () => {
  for (const source of HOSTILE)
    for (const [, href = ''] of renderMarkdown(source).matchAll(/data-href="([^"]*)"/g))
      expect(href).toMatch(/^https?:\/\//);
});

test('the last block is found', () => {
  expect(lastBlockStart('one')).toBe(0);
  expect('one\n\ntwo\n\nthree'.slice(lastBlockStart('one\n\ntwo\n\nthree'))).toBe('three');
  const code = 'text\n\n```js\na\n\nb';
  expect(code.slice(lastBlockStart(code))).toBe('```js\na\n\nb');
});

test('finished blocks and the last one together give the whole', () => {
  const source =
    '# T\n\npara *x*\nmore\n\n- a\n- b\n\n  c\n\n```py\nx = 1\n\n```\n\n> q\n\n| a |\n|---|\n| 1 |\n\nend\n';
  let html = '';
  let shown = 0;
  for (let end = 1; end <= source.length; end++) {
    const tail = source.slice(shown, end);
    const split = lastBlockStart(tail);
    html += split > 0 ? renderMarkdown(tail.slice(0, split)) : '';
    shown += split;
  }
  html += renderMarkdown(source.slice(shown));
  expect(html).toBe(renderMarkdown(source));
});

test('definitions of link targets are seen', () => {
  expect(hasReferences('[a][b]\n\n[b]: https://example.com')).toBe(true);
  expect(hasReferences('no [a](b): c')).toBe(false);
});
