/** Who executes a command of the pages: a test or script, and words that stand in it; or nobody but a person, and why. */
export type Executed =
  | { readonly kind: 'by'; readonly file: string; readonly has: string }
  | { readonly kind: 'by-hand'; readonly why: string };

const by = (file: string, has: string): Executed => ({ kind: 'by', file, has });
const byHand = (why: string): Executed => ({ kind: 'by-hand', why });

const ci = (has: string): Executed => by('.ci/run', has);
const install = (page: string): Executed => by('.ci/install', page);
const operated = (has: string): Executed => by('test/integration/operating.test.ts', has);
const mailed = (has: string): Executed => by('test/integration/mail-programs.test.ts', has);
const figures = by('test/cli/findings.test.ts', "commandsIn('docs/anonymity.md')");
const systemd = byHand('no machine of the tests runs systemd as its init');
const mutation = byHand('takes an hour and more');
const looked = byHand('figures and pictures, at which somebody has to look');
const user = byHand('needs a user of the name mixmailer, and root');

const swaks =
  'swaks --server 127.0.0.1:2525 --auth PLAIN --auth-user mixmailer --auth-password TOKEN --from me@example.org --to you@example.net --data @encrypted.eml';
const soak =
  'npm run soak -- [--minutes M] [--seed S] [--faults KIND,KIND] [--faults-per-minute N] [--letters-per-minute N] [--drain-minutes M] [--factor N] [--size SIZE] [--logs FOLDER]';
const fuzz = 'npm run fuzz -- [--inputs N] [--seed S] [--only NAME] [--minutes M] [--threads T] [--out FOLDER]';
const verify =
  'ssh-keygen -Y verify -n mixmailer-release -f allowed_signers -I NAME -s SHA256SUMS.sig <SHA256SUMS && sha256sum -c SHA256SUMS';
const renew =
  'curl -fsS https://example.org/network.txt -o network.new && mixmailer network verify --config node.toml --list network.new && mv network.new network.txt';

/** Every command in the blocks of README.md and of docs/. */
export const executed: Readonly<Record<string, Executed>> = {
  'npm ci && npm run demo': ci('npm run -s demo'),
  'npm ci && npm test': ci('npm test'),
  'npm ci && npm run pack': install('README.md'),
  'sudo mkdir /opt/mixmailer && sudo tar -xzf mixmailer-0.1.0.tgz --strip-components 1 -C /opt/mixmailer':
    install('README.md'),
  'sudo npm ci --ignore-scripts --prefix /opt/mixmailer': install('README.md'),
  'sudo ln -s /opt/mixmailer/dist/src/main.js /usr/local/bin/mixmailer': install('README.md'),
  'mixmailer init': by('test/integration/init.test.ts', "main, 'init'"),
  'mixmailer init mix@example.org --imap mail.example.org --smtp mail.example.org:587/starttls --password-file - --role node --join "mixmailer:..." --folder new-node < password':
    by('test/integration/init.test.ts', "main, 'init'"),
  'mixmailer client': by('test/demo/network.ts', "'client', '--config'"),
  'mixmailer authority --config authority.toml': by('test/demo/network.ts', "'authority', '--config'"),
  [swaks]: mailed("lineOf('swaks ')"),

  'mixmailer simulate --compare': figures,
  'mixmailer simulate --study trade-off': figures,
  'mixmailer simulate --study reference': figures,
  'mixmailer simulate --study load': figures,
  'mixmailer simulate --study meter': figures,
  'mixmailer simulate --study budget': figures,
  'mixmailer simulate --adversary n-1': figures,
  'mixmailer simulate --adversary compromise': figures,
  'mixmailer simulate --adversary disclosure': figures,
  'mixmailer simulate --adversary intersection': figures,
  'npm install --save-dev echarts@6': by('package.json', '"echarts": "6.'),
  'npx mixmailer simulate --compare --plots plots': figures,
  'NODE_OPTIONS=--max-old-space-size=4096 npx mixmailer simulate --nodes 1000 --days 2.1': figures,

  'npm run check': ci('npm run check'),
  'npx vitest run --project unit test/mix': ci('npm test'),
  'npm test': ci('npm test'),
  'npm run attacks:off': byHand('takes long; test/attacks/switches.test.ts holds that each switch is still there'),
  'npm run mutation': mutation,
  'npm run mutation -- mix': mutation,
  'npm run mutation -- message --mutate src/message/head.ts': mutation,
  [soak]: ci('soak/main.js'),
  [fuzz]: operated('fuzz/main.js'),

  'msmtp -a mixmailer you@example.net < encrypted.eml': mailed("lineOf('msmtp ')"),
  'git send-email --to=you@example.net -1': mailed("lineOf('git send-email ')"),
  'echo "At eight." | s-nail -s "Dinner on Friday?" you@example.net': mailed("lineOf('echo ')"),

  'mixmailer keys seal --config node.toml': operated("'mixmailer keys seal '"),
  'mixmailer keys unseal --config node.toml': operated("'mixmailer keys unseal '"),
  'mixmailer network new --config authority.toml': operated("'mixmailer network new '"),
  'mixmailer network invite --config authority.toml': operated("'mixmailer network invite '"),
  'mixmailer keygen --authority authority.key': operated("'mixmailer keygen --authority '"),
  'mixmailer network sign --authority authority.key --out network.txt *.descriptor': operated(
    "'mixmailer network sign --authority authority.key '",
  ),
  'mixmailer network sign --authority mine.key --list network.txt --out network.txt': operated(
    "'mixmailer network sign --authority mine.key '",
  ),
  [renew]: operated("'curl '"),
  'mixmailer backup --config node.toml --out node.backup': operated("'mixmailer backup '"),
  'mixmailer restore --config node.toml node.backup': operated("'mixmailer restore --config'"),
  'systemctl stop mixmailer-node': systemd,
  'systemctl enable --now mixmailer-node': systemd,
  'journalctl -u mixmailer-node -f': systemd,
  'useradd --system --home-dir /var/lib/mixmailer mixmailer': user,
  'install -d -m 700 -o mixmailer -g mixmailer /var/lib/mixmailer': user,
  'cp -r new-node/node-data /var/lib/mixmailer/data && chown -R mixmailer:mixmailer /var/lib/mixmailer/data': user,
  'install -d -m 750 -g mixmailer /etc/mixmailer': user,
  'install -m 640 -g mixmailer new-node/node.toml /etc/mixmailer/node.toml': user,
  'install -m 600 new-node/node.password /etc/mixmailer/imap.password': user,
  'cp /opt/mixmailer/config/mixmailer-node.service /etc/systemd/system/ && systemctl daemon-reload': systemd,

  [verify]: by('test/supply/signing.test.ts', "'ssh-keygen -Y verify '"),
  'git clone REPOSITORY mixmailer && cd mixmailer && git checkout COMMIT': by(
    'test/supply/signing.test.ts',
    "'git clone '",
  ),
  'npm run release && diff dist/release/SHA256SUMS /where/the/release/is/SHA256SUMS': byHand(
    'builds twice in new clones; who makes or checks a release does it',
  ),
  'mkdir /opt/mixmailer && tar -xzf mixmailer-VERSION.tgz --strip-components 1 -C /opt/mixmailer':
    install('docs/releasing.md'),
  'npm ci --ignore-scripts --prefix /opt/mixmailer': install('docs/releasing.md'),
  'ln -s /opt/mixmailer/dist/src/main.js /usr/local/bin/mixmailer': install('docs/releasing.md'),
};

/** Who runs the scripts of package.json that stand in sentences only. */
export const mentionedScripts: Readonly<Record<string, Executed>> = {
  bench: looked,
  lint: by('package.json', '"check": "npm run -s types && npm run -s lint'),
  figures: by('test/cli/findings.test.ts', "from '../figures/blocks.js'"),
  screenshots: looked,
  manual: by('test/docs/manual.test.ts', 'manualOf('),
  build: by('package.json', '"test": "npm run -s build && '),
  api: by('test/docs/api.test.ts', 'npm run api'),
};
