/** Text of a document in which nothing is left to be escaped. */
export interface Html {
  readonly markup: string;
}

/** What may stand in a template: text is escaped, `undefined` is nothing. */
export type Content = Html | string | number | undefined | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and in quoted attributes. Characters that XML has no place for are left out. */
export const escaped = (text: string): string =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (one) => entities[one] ?? '');

const markupOf = (content: Content): string => {
  if (content === undefined) return '';
  if (typeof content === 'string') return escaped(content);
  if (typeof content === 'number') return `${content}`;
  return 'markup' in content ? content.markup : content.map(markupOf).join('');
};

/** Markup with contents in it: `` html`<p>${text}</p>` ``. */
export const html = (parts: TemplateStringsArray, ...contents: readonly Content[]): Html => ({
  markup: parts.reduce((all, part, i) => `${all}${markupOf(contents[i - 1])}${part}`),
});
