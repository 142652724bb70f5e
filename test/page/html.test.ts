import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escaped, html } from '../../src/page/html.js';

describe('a template', () => {
  it('escapes all text, and nothing twice', () => {
    const name = `<script>alert("it's")</script> & more`;
    const inner = html`<b title="${name}">${name}</b>`;
    expect(html`<p>${inner}${undefined}${[1, ' ', html`<i></i>`]}</p>`.markup).toBe(
      '<p><b title="&lt;script&gt;alert(&quot;it&#39;s&quot;)&lt;/script&gt; &amp; more">&lt;script&gt;alert(&quot;it&#39;s&quot;)&lt;/script&gt; &amp; more</b>1 <i></i></p>',
    );
  });

  it('lets no text begin a tag, end an attribute or hide a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escaped(text)).not.toMatch(/[<>"'\u0000-\u0008\u000e-\u001f]|&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });
});
