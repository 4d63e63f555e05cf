// One way to open tabs of either browser, for tests that are the same for both: Chromium by Playwright, Firefox by its driver.

import { Chromium } from './chromium.mjs';
import { until } from './wait.mjs';
import { startFirefox } from './webdriver.mjs';

/**
 * Browser → what starts it for a test. That gives a function that opens another tab on the test page: `run(function,
 * ...values)` runs a function there and gives what it returns, `close()` closes it.
 */
export const BROWSERS = {
  async Chromium(t, url) {
    const browser = await Chromium.start({});
    t.after(() => browser.dispose());
    return async () => {
      const page = await browser.context.newPage();
      await page.goto(`${url}/blank.html`);
      await page.waitForFunction(() => window.lab);
      const call = ([text, values]) => new Function(`return (${text})(...arguments[0])`)(values);
      return { run: (run, ...values) => page.evaluate(call, [`${run}`, values]), close: () => page.close() };
    };
  },

  async Firefox(t, url) {
    const driver = await startFirefox(t);
    const home = await driver.getWindowHandle(); // stays: the last window ends the session
    return async () => {
      await driver.switchTo().window(home);
      await driver.switchTo().newWindow('tab');
      const window = await driver.getWindowHandle();
      await driver.get(`${url}/blank.html`);
      await until('the page', () => driver.executeScript('return Boolean(window.lab)'));
      return {
        async run(run, ...values) {
          await driver.switchTo().window(window);
          const script = `
            const [values, done] = arguments;
            Promise.resolve((${run})(...values)).then((value) => done({ value }), (cause) => done({ failed: String(cause) }));`;
          const { value, failed } = await driver.executeAsyncScript(script, values);
          if (failed !== undefined) throw new Error(failed);
          return value;
        },
        async close() {
          await driver.switchTo().window(window);
          await driver.close();
        },
      };
    };
  },
};
