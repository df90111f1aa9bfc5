/** The README as the extension's page shows it: that page has no folder beside it, so what points into the repository goes. */

const PICTURE = /!\[[^\]]*\]\(([^)\s]+)[^)]*\)/g;
const HTML_PICTURE = /<img[^>]+src=["']([^"']+)["'][^>]*>/g;
const LINK = /\[([^\]]*)\]\(([^)\s]+)[^)]*\)/g;

/** Pictures with a relative address are left out, links with one become their text; everything else stays. */
export function forExtensionPage(markdown: string): string {
  return markdown
    .replace(PICTURE, (all, address: string) => (isRelative(address) ? '' : all))
    .replace(HTML_PICTURE, (all, address: string) => (isRelative(address) ? '' : all))
    .replace(LINK, (all, text: string, address: string) => (isRelative(address) ? text : all))
    .replace(/\n{3,}/g, '\n\n');
}

function isRelative(address: string): boolean {
  return !/^(?:[a-z][a-z\d+.-]*:|#)/i.test(address);
}
