import { existsSync } from 'node:fs';
import { readText } from './cli/print.js';
