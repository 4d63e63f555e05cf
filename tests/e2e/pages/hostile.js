// Calls that no sane page makes and every page makes one day. Each is a thunk, named, so that a test
// can say which one threw.

const cycle = {};
cycle.self = cycle;
const deep = (levels) => {
  let value = 1;
  for (let i = 0; i < levels; i += 1) value = { down: value };
  return value;
};
const boom = () => {
  throw new Error('a getter of the page threw');
};
const throwing = { get trap() { return boom(); } };
const thrower = new Proxy(function () {}, {
  get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom, apply: boom, construct: boom,
});
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const huge = 'x'.repeat(10_000_000);
const unprintable = { toString: boom, valueOf: boom, toJSON: boom, [Symbol.toPrimitive]: boom };

const values = {
  undefined: undefined, null: null, number: 5, NaN, bigint: 10n, boolean: true, symbol: Symbol('s'),
  function: boom, cycle, 'bigint inside': { n: 1n }, 'throwing getter': throwing, proxy: thrower,
  'revoked proxy': revoked, 'throwing toJSON': unprintable, 'too deep': deep(50), deeper: deep(20_000),
  'ten megabytes': huge, 'ten megabytes inside': { huge }, array: [1], window, document,
  'invalid date': new Date(NaN), 'empty text': '', 'lone surrogate': '\ud800', map: new Map([[1, 2]]),
};

/** Every hostile call on `client`, as [name, thunk]. */
function* calls(client) {
  for (const [kind, value] of Object.entries(values)) {
    for (const method of ['track', 'identify', 'alias', 'on', 'flush', 'stats', 'getAnonymousId']) {
      yield [`${method}(${kind})`, () => client[method](value)];
    }
    yield [`track('x', ${kind})`, () => client.track('x', value)];
    yield [`track('x', {}, ${kind})`, () => client.track('x', {}, value)];
    yield [`track({event: 'x', properties: ${kind}})`, () => client.track({ event: 'x', properties: value })];
    yield [`track({event: ${kind}})`, () => client.track({ event: value })];
    yield [`track({timestamp: ${kind}})`, () => client.track({ event: 'x', timestamp: value })];
    yield [`track({userId: ${kind}})`, () => client.track({ event: 'x', userId: value, anonymousId: value })];
    yield [`identify('u', ${kind})`, () => client.identify('u', value)];
    yield [`alias('u', ${kind})`, () => client.alias('u', value)];
    yield [`on('dropped', ${kind})`, () => client.on('dropped', value)];
  }
  yield ['track without this', () => (0, client.track)('x')];
  yield ['a name of 65 characters', () => client.track('n'.repeat(65))];
  yield ['a user id of 121 characters', () => client.identify('u'.repeat(121))];
}

/** Every hostile construction; none may start a client that sends. */
function* constructions(Sendoff) {
  for (const [kind, value] of Object.entries(values)) {
    yield [`new Sendoff(${kind})`, () => new Sendoff(value)];
    yield [`new Sendoff({apiKey: ${kind}})`, () => new Sendoff({ apiKey: value })];
    yield [`new Sendoff({every option: ${kind}})`, () => new Sendoff(everyOption(value))];
  }
}

const everyOption = (value) => ({
  apiKey: 'hostile', endpoint: value, flushInterval: value, flushAt: value, maxQueueSize: value,
  maxBatchSize: value, maxPayloadBytes: value, maxRetries: value, retryBaseDelayMs: value,
  timeout: value, disableTimer: value, autoFlushOnExit: value, fetchImpl: value,
  maxStorageBytes: value, maxEventAgeMs: value, multiTabMode: value,
  onEventsDropped: value, onDeliveryFailed: value, onError: value,
});

/** Runs them all; resolves with the names of those that threw or whose promise was rejected. */
async function survive(thunks) {
  const guilty = [];
  const promises = [];
  for (const [name, thunk] of thunks) {
    try {
      const result = thunk();
      promises.push(Promise.resolve(result?.ready ?? result).catch((error) => guilty.push(`${name} rejected: ${error}`)));
    } catch (error) {
      guilty.push(`${name} threw: ${error}`);
    }
  }
  await Promise.all(promises);
  return guilty;
}

window.hostile = {
  calls: () => survive(calls(window.lab.client)),
  constructions: () => survive(constructions(window.lab.Sendoff)),
};
