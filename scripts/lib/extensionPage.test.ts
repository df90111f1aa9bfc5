import { expect, test } from 'vitest';
import { forExtensionPage } from './extensionPage.ts';

test('what points into the repository goes, the rest stays', () => {
  const source = [
    '# Zell',
    '',
    '![Chat](docs/images/chat.png)',
    '<img alt="x" src="docs/images/memory.png" width="300">',
    '',
    'See [the design](docs/architecture.md), [a site](https://example.com/a) and [below](#below).',
    '',
    '[![picture](docs/a.png)](docs/b.md)![kept](https://example.com/a.png)',
  ].join('\n');
  expect(forExtensionPage(source)).toBe(
    [
      '# Zell',
      '',
      'See the design, [a site](https://example.com/a) and [below](#below).',
      '',
      '![kept](https://example.com/a.png)',
    ].join('\n'),
  );
});
