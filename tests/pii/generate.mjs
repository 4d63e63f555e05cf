// Writes the corpora of tests/pii.rs, ordinary.txt and personal.txt, the same each time: `node tests/pii/generate.mjs`.
// They are committed, so that a change of the guard and a change of what it is measured by are seen apart. Nothing
// here is anybody's: numbers are drawn, keys are random, names are made up.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";

let state = 20260115;
const random = () => {
  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const upTo = (n) => Math.floor(random() * n);
const between = (low, high) => low + upTo(high - low + 1);
const pick = (list) => list[upTo(list.length)];
const draw = (n, letters) => Array.from({ length: n }, () => letters[upTo(letters.length)]).join("");
const DIGITS = "0123456789";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const HEX = "0123456789abcdef";
const BASE64URL = UPPER + LOWER + DIGITS + "-_";
const digits = (n) => pick("123456789") + draw(n - 1, DIGITS);
const pad = (n, width = 2) => String(n).padStart(width, "0");
const date = () => `${between(1995, 2032)}-${pad(between(1, 12))}-${pad(between(1, 28))}`;
const time = () => `${pad(upTo(24))}:${pad(upTo(60))}:${pad(upTo(60))}`;
const uuid = () => [8, 4, 4, 4, 12].map((n) => draw(n, HEX)).join("-");
const version = () => `${upTo(130)}.${upTo(20)}.${upTo(9999)}`;
const words = "blue red large cotton shirt garden lamp steel winter sale new kids running shoe phone case coffee table wooden box"
  .split(" ");
const phrase = (n) => Array.from({ length: n }, () => pick(words)).join(" ");
const slug = (n) => phrase(n).replaceAll(" ", "-");
const host = () => pick(["shop.example.com", "www.example.org", "cdn.example.net", "app.example.io", "localhost:3000"]);
const coordinate = (limit) => ((random() * 2 - 1) * limit).toFixed(between(4, 8));
const price = () => `${between(0, 4999)}.${pad(upTo(100))}`;

// As many of each, so that no kind that is easy outweighs the others.
const ORDINARY = {
  orderNumber: () => pick([() => digits(between(6, 19)), () => `ORD-${digits(10)}`, () => `#${digits(6)}`, () => `${digits(3)}-${digits(7)}-${digits(7)}`])(),
  longNumber: () => digits(16),
  sku: () => pick([() => `${draw(3, UPPER)}-${digits(5)}-${draw(2, UPPER)}`, () => `${draw(2, UPPER)}${digits(8)}`, () => digits(13)])(),
  isoDate: () => pick([date, () => `${date()}T${time()}Z`, () => `${date()}T${time()}.${draw(3, DIGITS)}+0${upTo(10)}:00`, () => `${date()} ${time()} +0200`])(),
  otherDate: () => pick([() => `${between(1, 28)}.${between(1, 12)}.${between(1990, 2030)}`, () => `${between(1, 12)}/${between(1, 28)}/${between(1990, 2030)}`, () => date().replaceAll("-", "")])(),
  timestamp: () => pick([() => `17${draw(8, DIGITS)}`, () => `17${draw(11, DIGITS)}`, () => `17${draw(14, DIGITS)}`, () => `17${draw(17, DIGITS)}`])(),
  coordinates: () => pick([() => `${coordinate(90)},${coordinate(180)}`, () => `+${Math.abs(coordinate(90))} -${Math.abs(coordinate(180))}`, () => `+${between(10, 89)}.${draw(4, DIGITS)}-0${between(10, 99)}.${draw(4, DIGITS)}/`, () => `geo:${coordinate(90)},${coordinate(180)}`])(),
  uuid: () => pick([uuid, () => uuid().toUpperCase(), () => `urn:uuid:${uuid()}`])(),
  phoneLikeId: () => pick([() => `${digits(3)}-${digits(3)}-${digits(4)}`, () => `0${digits(10)}`, () => digits(10), () => `id ${digits(4)} ${digits(3)} ${digits(3)}`])(),
  price: () => pick([() => `€${price()}`, () => `$${price()}`, () => `${price()} EUR`, () => `1.${digits(3)},${pad(upTo(100))} €`, () => `-${price()}`, () => `+${price()}`])(),
  hash: () => pick([() => draw(32, HEX), () => draw(40, HEX), () => draw(64, HEX), () => draw(7, HEX), () => `sha256-${draw(43, BASE64URL)}=`])(),
  version: () => pick([() => `v${version()}`, version, () => `${version()}-beta.${upTo(9)}`, () => `${version()}+build.${digits(5)}`, () => `^${version()}`])(),
  package: () => pick([() => `lodash@${version()}`, () => `@scope/pkg@${version()}`, () => `react@${version()}-rc.${upTo(5)}`, () => `next@${version()}-canary.${upTo(99)}`])(),
  image: () => pick([() => `https://${host()}/img/${slug(2)}@${between(2, 3)}x.png`, () => `/assets/logo@1.5x.webp`, () => `https://${host()}/${draw(32, HEX)}/${digits(10)}_${digits(4)}.jpg?w=${between(100, 2000)}&h=${between(100, 2000)}&fit=crop`, () => `icon-${upTo(512)}@2x.svg`])(),
  pageUrl: () => pick([() => `https://${host()}/${slug(2)}/${digits(8)}?utm_source=${pick(words)}&utm_medium=cpc&page=${upTo(30)}`, () => `https://${host()}/search?q=${phrase(2).replaceAll(" ", "+")}&sort=price_asc#results`, () => `/${slug(1)}/${slug(3)}-${digits(6)}.html`, () => `https://www.openstreetmap.org/#map=12/${coordinate(90)}/${coordinate(180)}`, () => `https://maps.example.com/@${coordinate(90)},${coordinate(180)},15z`])(),
  clickId: () => pick([() => `https://${host()}/?gclid=${draw(55, BASE64URL)}`, () => `fb.1.17${draw(11, DIGITS)}.${digits(10)}`, () => `GA1.2.${digits(9)}.17${draw(8, DIGITS)}`, () => `IwAR${draw(58, BASE64URL)}`])(),
  socialUrl: () => pick([() => `https://medium.example/@${pick(words)}.${pick(words)}/${slug(4)}-${draw(12, HEX)}`, () => `https://video.example/watch?v=${draw(11, BASE64URL)}&t=${upTo(900)}s`, () => `@${pick(words)}_${upTo(99)}`, () => `#${pick(words)}${between(2000, 2030)}`])(),
  userAgent: () => `Mozilla/5.0 (${pick(["Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 14; Pixel 8", "iPhone; CPU iPhone OS 17_4 like Mac OS X"])}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${between(100, 156)}.0.${upTo(7000)}.${upTo(200)} Safari/537.36`,
  colour: () => pick([() => `#${draw(6, HEX)}`, () => `rgba(${upTo(255)}, ${upTo(255)}, ${upTo(255)}, 0.${upTo(9)})`, () => `hsl(${upTo(360)} ${upTo(100)}% ${upTo(100)}%)`])(),
  size: () => pick([() => `${between(300, 4000)}x${between(300, 3000)}`, () => `${upTo(100)}%`, () => `${price()} kg`, () => `${between(1, 999)} MB`, () => `${between(30, 50)} 1/2`, () => `calc(100% - ${upTo(99)}px)`])(),
  element: () => pick([() => `div#main > ul.${slug(2)} > li:nth-child(${upTo(20)}) > a`, () => `button[data-id="${digits(8)}"]`, () => `.btn-${pick(words)}::before`, () => `//*[@id="${slug(2)}"]/div[${upTo(9)}]`])(),
  error: () => pick([() => `TypeError: Cannot read properties of undefined (reading '${pick(words)}')`, () => `    at ${pick(words)} (https://${host()}/static/js/main.${draw(8, HEX)}.js:${upTo(99)}:${upTo(99999)})`, () => `HTTP ${between(400, 599)} status ${between(1000, 9999)} after ${upTo(9000)}ms`, () => `ERR_CONNECTION_RESET 0x${draw(8, HEX)}`])(),
  eventName: () => pick([() => `${pick(words)}_${pick(words)}_clicked`, () => `sk_test_${pick(words)}_started`, () => `Bearer authentication ${pick(["failed", "started", "unavailable"])}`, () => `checkout.step${upTo(9)}.done`, () => `token refreshed`, () => `xoxo-${slug(2)}`])(),
  sentence: () => pick([() => `${phrase(6)}.`, () => `The bearer of the ${phrase(2)} arrives at ${upTo(24)}:${pad(upTo(60))}`, () => `Save ${upTo(80)}% @ checkout, code needed!`, () => `${upTo(9)} + ${upTo(9)} = ${upTo(18)}; a = b & c`, () => `Größe ${between(36, 46)}, Maß ${between(1, 99)} cm, für Straße ${between(1, 120)}`, () => `商品番号 ${digits(8)} 在庫あり`])(),
  fraction: () => pick([() => String(random()), () => String(random() * 1e6), () => random().toExponential(12), () => `${upTo(999)}.${draw(16, DIGITS)}`])(),
  tracking: () => pick([() => `1Z${draw(16, UPPER + DIGITS)}`, () => `RR${digits(9)}DE`, () => `JJD${digits(18)}`, () => digits(12), () => `00${digits(18)}`])(),
  book: () => pick([() => `978-${upTo(9)}-${digits(3)}-${digits(5)}-${upTo(9)}`, () => `ISBN 978${draw(10, DIGITS)}`, () => `10.${digits(4)}/${draw(6, LOWER)}.${digits(6)}`, () => `arXiv:${digits(4)}.${digits(5)}`])(),
  vehicle: () => pick([() => draw(17, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"), () => `${draw(2, UPPER)}${digits(2)} ${draw(3, UPPER)}`, () => draw(2, UPPER) + between(10, 99) + draw(20, DIGITS)])(),
  base64: () => pick([() => draw(between(16, 64), UPPER + LOWER + DIGITS + "+/"), () => `data:image/png;base64,iVBORw0KGgo${draw(40, UPPER + LOWER + DIGITS + "+/")}==`, () => draw(22, BASE64URL)])(),
  network: () => pick([() => [0, 0, 0, 0, 0, 0].map(() => draw(2, HEX)).join(":"), () => `${host()}:${between(1024, 65535)}`, () => `${draw(12, HEX)}.${pick(["eu", "us"])}-west-1`, () => `std::${pick(words)}::${pick(words)}`])(),
  experiment: () => pick([() => `exp_${digits(5)}:variant-${pick(["a", "b"])}`, () => `$ab.${digits(3)}.${draw(4, LOWER)}`, () => `flag=${pick(["on", "off"])}&bucket=${upTo(100)}`])(),
  json: () => JSON.stringify({ id: upTo(1e6), [pick(words)]: phrase(2), n: [upTo(9), random()] }),
  code: () => pick([() => `${draw(4, UPPER)}-${draw(4, UPPER + DIGITS)}-${draw(4, UPPER + DIGITS)}`, () => `${pick(words).toUpperCase()}${between(10, 90)}`, () => `SAVE${between(5, 50)}NOW`, () => `${digits(4)}-${digits(4)}`])(),
  locale: () => pick(["en-US", "de-CH", "Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC+05:30", "GMT+0200 (CEST)", "en-US,en;q=0.9,de;q=0.8", "EUR", "zh-Hant-TW"]),
  file: () => pick([() => `C:\\Users\\Public\\${slug(2)}.pdf`, () => `/var/log/${slug(1)}-${date()}.log`, () => `report_${digits(8)}_v${upTo(9)}.xlsx`, () => `IMG_${date().replaceAll("-", "")}_${digits(6)}.HEIC`])(),
  query: () => pick([() => `?page=${upTo(9)}&size=${pick(["s", "m", "l"])}&filter[brand]=${pick(words)}`, () => `?sessions=${upTo(9)}&codec=h264&tokens_used=${upTo(999)}`, () => `#section-${upTo(40)}`, () => `?zipcode=${digits(5)}&emailed=yes`])(),
  ids: () => pick([() => `cus_${draw(14, UPPER + LOWER + DIGITS)}`, () => `pk_live_${draw(24, UPPER + LOWER + DIGITS)}`, () => `usr-${draw(20, LOWER + DIGITS)}`, () => draw(24, HEX), () => `01${draw(24, DIGITS + "ABCDEFGHJKMNPQRSTVWXYZ")}`])(),
  score: () => pick([() => `${upTo(9)}:${upTo(9)}`, () => `+${upTo(1000)} points`, () => `${upTo(5)}/5`, () => `+${digits(6)}`, () => `${digits(3)} 000 000`, () => `${digits(1)},${digits(3)},${digits(3)},${digits(3)}`])(),
  whitespace: () => pick([() => `${phrase(2)}\n${phrase(2)}`, () => `"${phrase(2)}"`, () => `\t${digits(4)}\t${digits(4)}\t${digits(4)}`, () => ` ${phrase(1)} `])(),
};

const luhn = (number) => {
  const sum = [...number, "0"].reverse().reduce((sum, digit, place) => {
    const worth = Number(digit) * (place % 2 ? 2 : 1);
    return sum + (worth > 9 ? worth - 9 : worth);
  }, 0);
  return number + ((10 - (sum % 10)) % 10);
};
const card = () => {
  const [prefix, length] = pick([["4", 16], ["4", 16], ["4", 13], ["4", 19], ["51", 16], ["55", 16], ["2223", 16], ["34", 15], ["37", 15],
    ["6011", 16], ["65", 16], ["3530", 16], ["36", 14], ["38", 14], ["62", 16], ["62", 19], ["5018", 16], ["6304", 18], ["2201", 16]]);
  return luhn(prefix + draw(length - 1 - prefix.length, DIGITS));
};
const grouped = (number, sizes, separator) => {
  let from = 0;
  const parts = sizes.map((size) => number.slice(from, (from += size)));
  return [...parts, number.slice(from)].filter(Boolean).join(separator);
};
const shownCard = () => {
  const number = card();
  const sizes = { 15: [4, 6, 5], 14: [4, 6, 4] }[number.length] ?? [4, 4, 4, 4];
  return pick([number, grouped(number, sizes, " "), grouped(number, sizes, "-")]);
};
const given = ["anna", "john", "mehmet", "li", "sofía", "o'neill", "jürgen", "max", "x", "maria.garcia", "j.r.r.tolkien", "user_42", "info", "AnnaBerg", "no-reply"];
const domains = ["gmail.com", "example.co.uk", "mail.example.org", "163.com", "firma-beispiel.de", "EXAMPLE.COM", "x.io", "sub.sub.example.museum", "münchen.example", "xn--mnchen-3ya.de", "web.de", "example.photography"];
const email = () => pick(given) + pick(["", "", `+${pick(words)}`, `${upTo(99)}`, `.${pick(words)}`]) + "@" + pick(domains);
const phone = () => {
  const n = (size) => draw(size, "23456789");
  return pick([`+49 170 ${n(7)}`, `+1 (${n(3)}) ${n(3)}-${n(4)}`, `+1${n(10)}`, `+1-${n(3)}-${n(3)}-${n(4)}`, `+44 20 ${n(4)} ${n(4)}`, `+44 (0)20 ${n(4)} ${n(4)}`, `+49${n(11)}`,
    `+33 6 ${n(2)} ${n(2)} ${n(2)} ${n(2)}`, `+33.6.${n(2)}.${n(2)}.${n(2)}.${n(2)}`, `+81-90-${n(4)}-${n(4)}`, `+91 ${n(5)} ${n(5)}`, `+7 ${n(3)} ${n(3)}-${n(2)}-${n(2)}`, `+352 ${n(6)}`, `+49/30/${n(7)}`, `+55 (11) 9${n(4)}-${n(4)}`, `+86 138 ${n(4)} ${n(4)}`]);
};
const IBANS = { DE: [18, DIGITS], FR: [23, DIGITS], GB: [18, DIGITS], NL: [14, DIGITS], CH: [17, DIGITS], AT: [16, DIGITS], PL: [24, DIGITS], NO: [11, DIGITS], ES: [20, DIGITS], MT: [27, DIGITS + UPPER], LU: [16, DIGITS + UPPER], TR: [22, DIGITS], SA: [20, DIGITS + UPPER], BE: [12, DIGITS] };
const iban = () => {
  const country = pick(Object.keys(IBANS));
  const [length, letters] = IBANS[country];
  let account = draw(length, letters);
  if (country === "GB" || country === "NL") account = draw(4, UPPER) + account.slice(4);
  const value = [...`${account}${country}00`].map((c) => parseInt(c, 36)).join("");
  const whole = country + pad(98n - (BigInt(value) % 97n)) + account;
  return pick([whole, whole.match(/.{1,4}/g).join(" "), whole.toLowerCase(), whole.match(/.{1,4}/g).join("-")]);
};
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = () => [base64({ alg: pick(["HS256", "RS256", "none"]), typ: "JWT" }), base64({ sub: digits(8), iat: upTo(2e9) }), draw(43, BASE64URL)].join(".");
const bearer = () => pick(["Bearer ", "bearer ", "BEARER ", "Bearer%20"]) + pick([() => draw(40, HEX), () => `ya29.${draw(60, BASE64URL)}7`, () => `${draw(30, UPPER + LOWER + DIGITS)}4/+==`])();
const alphanumeric = UPPER + LOWER + DIGITS;
const secret = () => pick([() => `sk_live_${draw(24, alphanumeric)}`, () => `sk_test_${draw(24, alphanumeric)}`, () => `ghp_${draw(36, alphanumeric)}`, () => `gho_${draw(36, alphanumeric)}`,
  () => `github_pat_${draw(22, alphanumeric)}_${draw(59, alphanumeric)}`, () => `AKIA${draw(15, UPPER + "234567")}7`, () => `xoxb-${digits(12)}-${digits(12)}-${draw(24, alphanumeric)}`, () => `xoxp-${digits(11)}-${digits(11)}-${draw(32, HEX)}`,
  () => `AIza${draw(35, BASE64URL)}`, () => `glpat-${draw(20, alphanumeric)}`])();
const ip = () => pick([() => [upTo(223) + 1, upTo(255), upTo(255), upTo(255)].join("."), () => Array.from({ length: 8 }, () => draw(4, HEX)).join(":"), () => `2001:db8::${draw(4, "123456789")}:${draw(3, HEX)}`, () => `fe80::${draw(4, HEX)}:${draw(4, DIGITS)}`])();
const password = () => draw(between(6, 16), alphanumeric + "!$*()_-");
const parameter = () => pick(["token", "access_token", "password", "secret", "email", "code", "session", "ssn", "authorization", "api_key", "reset-token", "user[password]"]);
const key = () => pick(["password", "newPassword", "token", "accessToken", "client_secret", "ssn", "Authorization", "session", "code", "email", "apiKey", "creditCard", "X-Api-Key", "idToken"]);

// Where such things are met: in words, in addresses, beneath keys, in text within text.
const PLACES = [
  (it) => it,
  (it) => it,
  (it) => `Contact ${it}, please.`,
  (it) => `(${it})`,
  (it) => `value=${it}`,
  (it) => `"${it}"\n`,
  (it) => `<${it}>`,
  (it) => `${pick(words)}: ${it}; ${pick(words)}`,
  (it) => JSON.stringify({ note: it }),
  (it) => `https://${host()}/find?q=${encodeURIComponent(it)}&page=2`,
  (it) => `https://${host()}/login?next=${encodeURIComponent(`/find?q=${encodeURIComponent(it)}`)}`,
];
const placed = (make) => () => {
  const it = make();
  return [it, JSON.stringify({ p: pick(PLACES)(it) })];
};
const escaped = (make) => () => {
  const it = make();
  const json = [...it].map((c) => (random() < 0.3 && c < "\u007f" ? `\\u${pad(c.charCodeAt(0).toString(16), 4)}` : c)).join("");
  return [it, `{"p":"see ${json}"}`];
};
const PERSONAL = {
  email: [placed(email), 90],
  card: [placed(shownCard), 70],
  phone: [placed(phone), 70],
  iban: [placed(iban), 60],
  jwt: [placed(jwt), 30],
  bearer: [placed(() => bearer()), 20],
  secret: [placed(secret), 40],
  ip: [placed(ip), 20],
  cardNumber: [() => { const it = luhn(`4${draw(14, DIGITS)}`); return [it, `{"p":${it}}`]; }, 5],
  escaped: [() => escaped(pick([email, shownCard, phone, iban, secret]))(), 25],
  parameter: [() => { const it = password(); return [it, JSON.stringify({ p: `https://${host()}/a${pick(["?x=1&", "?", "#", "#/route?"])}${parameter()}=${encodeURIComponent(it)}&b=2` })]; }, 30],
  nestedParameter: [() => { const it = password().replace(/\W/g, "1"); return [it, JSON.stringify({ p: `https://${host()}/?next=${encodeURIComponent(`/reset?${parameter()}=${it}&b=2`)}` })]; }, 10],
  userInfo: [() => { const it = password().replace(/\W/g, "1"); return [it, JSON.stringify({ p: `https://admin:${it}@${host()}/a` })]; }, 10],
  key: [() => { const it = password(); return [it, pick([(p) => p, (p) => ({ a: { b: [1, p] } }), (p) => ({ list: [p] })])({ [key()]: it, z: 1 })].map((v) => (typeof v === "string" ? v : JSON.stringify(v))); }, 20],
};

const ordinary = [];
for (const [kind, make] of Object.entries(ORDINARY)) {
  for (let n = 0; n < 2000 / Object.keys(ORDINARY).length; n += 1) ordinary.push(`${kind}\t${JSON.stringify(make())}`);
}
const personal = [];
for (const [kind, [make, count]] of Object.entries(PERSONAL)) {
  for (let n = 0; n < count; n += 1) personal.push([kind, ...make()].join("\t"));
}
for (const [name, lines, length] of [["ordinary", ordinary, 2000], ["personal", personal, 500]]) {
  const text = lines.slice(0, length).join("\n") + "\n";
  writeFileSync(new URL(`${name}.txt`, import.meta.url), text);
  console.log(name, lines.length, createHash("sha256").update(text).digest("hex").slice(0, 8));
}
