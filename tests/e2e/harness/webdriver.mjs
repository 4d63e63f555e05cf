// Firefox and WebKitGTK through their own drivers: the engines Playwright's patched builds stand in
// for, but as users have them, with their real back/forward cache.

import { Builder, Capabilities } from 'selenium-webdriver';
import firefox from 'selenium-webdriver/firefox.js';

import * as paths from './paths.mjs';
import { end, freePort, start } from './processes.mjs';
import { until } from './wait.mjs';

// A command takes some 10 ms, up to 2 s on a busy machine; a browser that has never run before starts slowly.
const ANSWER_MS = 20_000;
const START_MS = 45_000;

/** Firefox, headless, by geckodriver; with preferences as in about:config. */
export async function startFirefox(t, preferences = {}) {
  const options = new firefox.Options().setBinary(paths.firefox()).addArguments('-headless');
  for (const [name, value] of Object.entries(preferences)) options.setPreference(name, value);
  const driver = await build(
    new Builder()
      .forBrowser('firefox')
      .setFirefoxOptions(options)
      .setFirefoxService(new firefox.ServiceBuilder(paths.geckodriver())),
  );
  t.after(() => driver.quit());
  return driver;
}

/** WebKitGTK's MiniBrowser by WebKitWebDriver, with its settings as arguments. It has no headless mode, hence the X server. */
export async function startWebKit(t, settings = []) {
  const port = await freePort();
  const service = start('xvfb-run', ['-a', paths.webKitDriver(), `--port=${port}`]);
  let driver;
  t.after(async () => {
    try {
      await driver?.quit();
    } finally {
      await end(service, 'SIGTERM');
    }
  });
  const url = `http://127.0.0.1:${port}`;
  await until('WebKitWebDriver', () => fetch(`${url}/status`).then(({ ok }) => ok, () => false));
  const capabilities = new Capabilities({
    browserName: 'MiniBrowser',
    'webkitgtk:browserOptions': { binary: paths.miniBrowser(), args: ['--automation', ...settings] },
  });
  driver = await build(new Builder().usingServer(url).withCapabilities(capabilities));
  return driver;
}

/** A driver whose commands have a deadline: one that hangs is named, which a test's own time limit cannot do. */
async function build(builder) {
  const driver = await answered('a new session', START_MS, builder.build());
  const execute = driver.execute.bind(driver);
  driver.execute = (command) => {
    const { sessionId, ...parameters } = command.getParameters();
    return answered(`${command.getName()} ${JSON.stringify(parameters)}`, ANSWER_MS, execute(command));
  };
  return driver;
}

async function answered(what, withinMs, answer) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`WebDriver: no answer within ${withinMs} ms to ${what}`)), withinMs);
  });
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
