// @ts-check
// What may be personal, as far as it can be told before the engine is there: its guard (src/intake/guard) looks closely and
// this does not. A call that is suspected is not written to storage until the guard has seen it; suspected in vain, it is
// lost if the page ends before. The guard's lists of names are compared with these by a test.

/** @typedef {import("./types").EngineOptions} EngineOptions */

// Mail addresses, long numbers, JSON web tokens and other keys by how they begin.
const VALUES =
  /@|%40|\d{9}|eyJ|bearer|[sr]k(live|test)|whsec|sk\w{32}|gh[opsur]\w{20}|githubpat|glpat|A[KS]IA|AIza|xox[abprs]/i;
// Names of properties and of parameters in addresses.
const NAMES =
  /["?&#;](\w*(token|secret|pass(code|phrase|wd|word)|pwd|auth(code|orization)?|(api|access|private|session)key|email(address)?|session(id)?|sid|cookie|bearer|credentials?|cardnumber|creditcard|securitynumber|ssn|cv[cv]|iban|jwt|otp)|code)["=]/i;

/** Kinds of calls with traits and ids, which may hold a mail address on purpose. */
const TRAITS = /^(identify|set_traits|alias|group)\t/;

/** @param {string | undefined} mode as JSON */
const screens = (mode) => mode !== '"off"' && mode !== '"warn"';

/** In storage it stands in place of a call that may be personal: calls are known by their places. */
export const WITHHELD = "withheld";

/** @param {EngineOptions} options @param {string} record */
export const isSuspect = ({ pii, piiTraits, piiIp, piiKeys, piiPatterns }, record) => {
  if (!screens(TRAITS.test(record) ? (piiTraits ?? '"off"') : pii)) return false;
  if (piiKeys || piiPatterns || piiIp === "true") return true; // what those say only the guard can tell
  // Not its clocks; and as if whatever stands between the parts of a number or a name were not there.
  const text = record.replace(/^\w+\t\d+\t\d+|\tts=[^\t]*/g, "").replace(/[\s()._\\/[\]-]/g, "");
  return VALUES.test(text) || NAMES.test(text);
};
