# Sourced by the scripts beside it: where the tools and the browsers are. Nothing is installed here.
#
# A variable the caller has set is never replaced, so an own browser is used by naming it:
#   CHROMIUM=/opt/chrome/chrome CHROMEDRIVER=/opt/chrome/chromedriver make test
# Pinned tools of this repository (see `tools` beside this file) stand in front of the PATH, so that
# another version in the user's home is not picked up by accident.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools_dir=$root/.tools
export PATH="$tools_dir/bin:$root/tests/node_modules/.bin:$PATH"

# locate VARIABLE NAME...: set VARIABLE to the first of the programs that exists; leave it unset otherwise.
locate() {
  local variable=$1 name path
  shift
  [ -n "${!variable:-}" ] && return 0
  for name in "$@"; do
    if path=$(command -v "$name" 2>/dev/null); then
      export "$variable=$path"
      return 0
    fi
  done
  return 0
}

locate_browsers() {
  locate CHROMIUM chromium chromium-browser google-chrome google-chrome-stable
  locate CHROMEDRIVER chromedriver
  locate FIREFOX firefox-esr firefox
  locate GECKODRIVER geckodriver
  locate WEBKIT_DRIVER WebKitWebDriver
  # In a folder named after the architecture and the library's version: the newest.
  # shellcheck disable=SC2046
  locate MINIBROWSER $(printf '%s\n' /usr/lib/*/webkit2gtk-*/MiniBrowser | sort -r)
}
locate_browsers
locate NGINX nginx /usr/sbin/nginx "$tools_dir/nginx/usr/sbin/nginx"
