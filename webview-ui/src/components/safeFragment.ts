/** The last gate before the page: keeps the tags and attributes that our renderer makes and nothing else. */
import DOMPurify from 'dompurify';

const TAGS = [
  ...['p', 'br', 'hr', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 's', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'a', 'span', 'div'],
];
const ATTRIBUTES = ['class', 'data-href', 'title', 'role', 'tabindex', 'start'];

/** Nodes for the page; sanitised in a document that loads nothing. */
export function safeFragment(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
