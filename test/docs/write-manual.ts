// Writes docs/mixmailer.1 from what the commands say of themselves: npm run manual
import { writeFileSync } from 'node:fs';
import { programWith } from '../../src/cli/program.js';
import { version } from '../../src/version.js';
import { manualOf } from './manual.js';

writeFileSync('docs/mixmailer.1', manualOf(await programWith(), version));
