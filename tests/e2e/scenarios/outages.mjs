// The server, the network or the way to it fails for a while.

import { outageOf } from '../harness/wait.mjs';

export function outages(scenario) {
  scenario('40 events while the collector answers 503 for 5 s', async (w) => {
    const tab = await w.open();
    await w.collector.fault({ mode: 'status', status: 503 });
    await tab.track(40);
    await outageOf(5_000);
    await w.collector.fault({ mode: 'none' });
    await w.allDelivered();
  }, { column: '40 during a 5 s outage' });

  scenario('500 events offline, then the tab is closed and someone returns', async (w) => {
    const tab = await w.open();
    await w.browser.context.setOffline(true);
    // Emulated offline does not reach the browser's own deferred requests: no server, then.
    await w.collector.kill();
    await tab.track(500);
    await tab.close();
    await w.collector.up();
    await w.browser.context.setOffline(false);
  }, { column: '500 with server down, close, return', ordered: false });

  scenario('40 events offline, then online again', async (w) => {
    const tab = await w.open({ config: { flushInterval: 60_000 } });
    await w.browser.context.setOffline(true);
    await tab.track(40);
    await w.browser.context.setOffline(false);
    await w.allDelivered({ withinMs: 5_000 }); // The online event, not a timer.
  });

  scenario('40 events, closed while the answer is lost, and someone returns', async (w) => {
    const tab = await w.open({ config: { flushInterval: 60_000 } });
    await tab.track(40);
    await w.collector.fault({ mode: 'lose', times: 1 });
    await tab.close();
    await w.allDelivered();
    // Rarely the request of becoming hidden has failed by the time of `pagehide`, whose own then says it again.
  }, { repeats: true });
}
