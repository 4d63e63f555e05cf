// Every kind of value that has been seen to break an SDK, by name. Made anew for each use.

const boom = () => {
  throw new Error("boom");
};
const traps = ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor", "apply", "construct", "set"];

/** A Proxy that throws whatever is done with it. */
export const landmine = (target = {}) => new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, boom])));

export function hostileValues() {
  const cycle = {};
  cycle.self = cycle;
  const deep = {};
  let inner = deep;
  for (let depth = 0; depth < 20_000; depth++) inner = inner.next = {};
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  return {
    undefined: undefined,
    null: null,
    true: true,
    zero: 0,
    NaN: NaN,
    Infinity: Infinity,
    "a BigInt": 10n,
    "a symbol": Symbol("s"),
    "a function": () => {},
    "a class": class Thing {},
    "an empty string": "",
    "a string with tabs and line breaks": "a\tb\nc\r\u2028\0",
    "half a surrogate pair": "\ud800",
    "10 MB of text": "x".repeat(10_000_000),
    "an array": [1, [2]],
    "an object with 10 MB in it": { large: "x".repeat(10_000_000) },
    "a cycle": cycle,
    "20,000 levels": deep,
    "a BigInt inside": { big: 10n },
    "throwing getters": {
      get event() {
        return boom();
      },
      get timestamp() {
        return boom();
      },
      get timeoutMs() {
        return boom();
      },
      get apiKey() {
        return boom();
      },
    },
    "a getter inside that throws": {
      event: "e",
      properties: {
        get value() {
          return boom();
        },
      },
    },
    "a throwing toJSON": { toJSON: boom },
    "toJSON of nothing": { toJSON: () => undefined },
    "toJSON of text": { toJSON: () => "text" },
    "a throw of something that throws": {
      toJSON: () => {
        throw landmine();
      },
    },
    "a throw of null": {
      toJSON: () => {
        throw null;
      },
    },
    "toString and valueOf that throw": { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom },
    "no prototype": Object.create(null),
    "a Proxy": landmine(),
    "a Proxy of a function": landmine(() => {}),
    "a Proxy of an array": landmine([]),
    "a revoked Proxy": revoked.proxy,
    "a date": new Date(0),
    "an invalid date": new Date(NaN),
    "an error": new Error("e"),
    "a map": new Map([[1, 2]]),
    "a promise": Promise.resolve(1),
    "a thenable that throws": { then: boom },
    "hostile fields": { event: landmine(), userId: landmine(), timestamp: landmine(), properties: landmine() },
  };
}
