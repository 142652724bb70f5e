import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const root = new URL('../../', import.meta.url);

/**
 * The folders of src/ as JavaScript, for what has to be loaded by Node itself: a worker's file on a Node that can't
 * read TypeScript. Compiled anew at every call, so never older than the sources.
 *
 * @param rooms the folder wanted and those it imports
 * @returns where the compiled src/ is; inside the project, so that its packages are found
 */
export const compiled = (rooms: readonly string[]): URL => {
  const out = new URL(`.cache/compiled-${process.pid}/`, root);
  for (const room of rooms) {
    mkdirSync(new URL(`${room}/`, out), { recursive: true });
    for (const name of readdirSync(new URL(`src/${room}/`, root))) {
      const source = readFileSync(new URL(`src/${room}/${name}`, root), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
        },
      });
      writeFileSync(new URL(`${room}/${name.replace(/\.ts$/, '.js')}`, out), outputText);
    }
  }
  return out;
};
