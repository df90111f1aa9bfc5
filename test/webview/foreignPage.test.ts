// Pages of strangers in a real browser, one of them under a name that was rebound to this machine: nothing that they try gets through.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testHost, type TestHost } from '../../engine-host/src/api/testing.ts';
import { launchBrowser } from '../helpers/vscodeHost/host.ts';
import { findChromium } from '../helpers/vscodeHost/install.ts';

/** What a page can try at an address, `url`; each gives what the page could learn. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  'a simple GET': 'fetch(url + "/v1/models").then((r) => r.text())',
  'a simple POST': `fetch(url + "/api/generate", {
    method: "POST", headers: { "content-type": "text/plain" }, body: '{"model":"tiny","prompt":"Hi"}',
  }).then((r) => r.text())`,
  'a POST that nobody may read': `fetch(url + "/v1/chat/completions", {
    method: "POST", mode: "no-cors", body: '{"messages":[{"role":"user","content":"Hi"}]}',
  }).then((r) => r.text())`,
  'a POST with a preflight': `fetch(url + "/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "k", "anthropic-version": "2023-06-01" },
    body: '{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}',
  }).then((r) => r.text())`,
  'a DELETE': `fetch(url + "/api/delete", { method: "DELETE", body: '{"model":"tiny"}' }).then((r) => r.text())`,
  'a beacon': `new Promise((resolve) => {
    navigator.sendBeacon(url + "/completion", '{"prompt":"Hi"}');
    setTimeout(() => resolve(""), 200);
  })`,
  'an event source': `new Promise((resolve) => {
    const source = new EventSource(url + "/metrics");
    source.onopen = () => resolve("open");
    source.onerror = () => { source.close(); resolve(""); };
  })`,
  'a web socket': `new Promise((resolve) => {
    const socket = new WebSocket(url.replace("http", "ws") + "/editor");
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("");
  })`,
  'a form': `new Promise((resolve) => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    frame.name = "target";
    const form = document.body.appendChild(document.createElement("form"));
    Object.assign(form, { action: url + "/api/chat", method: "post", enctype: "text/plain", target: "target" });
    const field = form.appendChild(document.createElement("input"));
    Object.assign(field, { name: '{"messages":[{"role":"user","content":"', value: 'Hi"}]}' });
    frame.onload = () => resolve("");
    form.submit();
  })`,
  'an image': `new Promise((resolve) => {
    const image = document.createElement("img");
    image.onload = () => resolve("loaded");
    image.onerror = () => resolve("");
    image.src = url + "/v1/models";
  })`,
};

describe.skipIf(findChromium() === undefined)('pages of strangers (needs Chromium: apt install chromium)', () => {
  let host: TestHost;
  let browser: Browser;
  let stranger: http.Server;
  /** What the server answered to whatever came, newest last. */
  const statuses: number[] = [];

  beforeAll(async () => {
    host = await testHost();
    host.app.server.on('request', (request, response) =>
      response.once('close', () => {
        // A browser asks for this by itself.
        if (request.url !== '/favicon.ico') statuses.push(response.statusCode);
      }),
    );
    stranger = http.createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<body>hello'),
    );
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    browser = await launchBrowser([
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      // Our own defence is what is tried, not that of the newest browsers.
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
    ]);
  });
  afterAll(async () => {
    await browser.close();
    stranger.close();
    stranger.closeAllConnections();
    await host.close();
  });

  /** Tries everything from `page` at `url`. @returns what the page could learn of any of it */
  async function learnt(page: Page, url: string): Promise<string[]> {
    const found: string[] = [];
    for (const [name, attempt] of Object.entries(ATTEMPTS)) {
      const before = statuses.length;
      // What a browser answers by silence has told nothing either.
      const silence = `new Promise((resolve) => setTimeout(() => resolve(''), 1500))`;
      const text = await page.evaluate(
        `Promise.race([((url) => ${attempt})(${JSON.stringify(url)}).catch(() => ''), ${silence}])`,
      );
      expect(
        statuses.slice(before).every((status) => status === 403),
        `${name}: ${statuses.slice(before).join()}`,
      ).toBe(true);
      if (typeof text === 'string' && text !== '' && !text.includes('error')) found.push(`${name}: ${text}`);
    }
    expect(host.engine.requests).toEqual([]);
    expect(host.engine.calls).toEqual([]);
    return found;
  }

  test('under a name that was rebound: our own address, the same origin, and still nothing', async () => {
    const origin = `http://evil.test:${new URL(host.url).port}`;
    const page = await browser.newPage();
    // The page itself came from the stranger's machine, before the name was given another address.
    await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '<body>hello' }));
    await page.goto(`${origin}/page`);
    expect(await learnt(page, origin)).toEqual([]);
    // Some browsers refuse by themselves to let such a page reach this machine.
    expect(statuses.length).toBeGreaterThan(0);
    await page.close();
  });

  test.each(['localhost', '127.0.0.1', 'other.test'])('from a page of %s at another port', async (name) => {
    const page = await browser.newPage();
    await page.goto(`http://${name}:${(stranger.address() as AddressInfo).port}/`);
    const before = statuses.length;
    expect(await learnt(page, host.url)).toEqual([]);
    expect(statuses.length).toBeGreaterThan(before + 5);
    await page.close();
  });
});
