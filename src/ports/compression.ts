export type { Compression } from '../base/compression.js';
