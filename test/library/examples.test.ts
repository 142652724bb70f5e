import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const doc = readFileSync('docs/library.md', 'utf8');
const examples = readdirSync('docs/examples').filter((name) => name.endsWith('.ts'));

describe('the examples', () => {
  it.each(examples)('docs/library.md has %s as it is', (name) => {
    const [, shown] = doc.split(`<!-- examples/${name} -->\n\n\`\`\`ts\n`);
    expect(shown?.split('```\n')[0]).toBe(readFileSync(`docs/examples/${name}`, 'utf8'));
  });

  it.each(examples)('%s is short', (name) => {
    expect(readFileSync(`docs/examples/${name}`, 'utf8').split('\n').length).toBeLessThanOrEqual(40);
  });
});
