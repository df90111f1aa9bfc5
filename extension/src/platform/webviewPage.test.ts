import { expect, test } from 'vitest';
import { webviewPage } from './webviewPage.ts';

const page = webviewPage({
  title: 'A "title" <x>',
  script: 'https://res/chat.js',
  style: 'https://res/chat.css',
  cspSource: 'https://res',
  nonce: 'abc',
});

test('nothing is allowed but our script by nonce and our style sheet', () => {
  const policy = /content="(default-src[^"]*)"/.exec(page)?.[1];
  expect(policy).toBe(
    "default-src 'none'; script-src 'nonce-abc'; style-src https://res; font-src https://res; base-uri 'none'; form-action 'none'",
  );
  expect(page.match(/<script[^>]*>/g)).toEqual(['<script nonce="abc" src="https://res/chat.js">']);
  expect(page).not.toMatch(/ style=| on\w+=/);
});

test('the title is escaped', () => {
  expect(page).toContain('<title>A &quot;title&quot; &lt;x&gt;</title>');
});
