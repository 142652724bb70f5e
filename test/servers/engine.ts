import { request } from 'node:http';
import { runs } from './child.js';

export const dockerSocket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');

/** Whether a Docker engine answers that request with 200. */
export const engineSays = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ socketPath: dockerSocket, path, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });

/** Where the container file can be tried, and on which image; or why it can't. */
export type EngineKind =
  | { readonly kind: 'available'; readonly base: string; readonly how: string }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly remedy: string };

/** What config/Containerfile begins with. */
const publicBase = 'docker.io/library/node:24-slim';
/** Made by .ci/node-image, where no image registry can be reached. */
const localBase = 'mixmailer/node-base';

/** Looks for an engine, its command, and an image to begin with, which the engine fetches if it can. */
export const surveyEngine = async (): Promise<EngineKind> => {
  if (!(await engineSays('/_ping')) || !runs('docker', 'version'))
    return { kind: 'unavailable', reason: 'no Docker engine answers', remedy: 'start a Docker engine' };
  for (const base of [localBase, publicBase])
    if (runs('docker', 'image', 'inspect', base)) return { kind: 'available', base, how: `docker, image ${base}` };
  if (runs('docker', 'pull', '--quiet', publicBase))
    return { kind: 'available', base: publicBase, how: `docker, image ${publicBase}` };
  return {
    kind: 'unavailable',
    reason: `the engine can't fetch ${publicBase}`,
    remedy: 'let it reach an image registry, or: .ci/node-image',
  };
};

/** One line that says what is missing and how to add it. */
export const missingEngine = (kind: EngineKind & { readonly kind: 'unavailable' }): string =>
  `container file left out: ${kind.reason}. To add it: ${kind.remedy}`;
