#!/bin/bash
# usage: sort_awk.sh FORMULATION IN OUT
#
# GNU sort gets all cores and more memory than it needs; mawk is the fastest awk.
set -eu -o pipefail
export LC_ALL=C
formulation=$1 in=${2-} out=${3-}
sort() { command sort --field-separator=, --parallel="$(nproc)" --buffer-size=4G "$@"; }
rows() { tail --lines=+2 "$in"; }
shift_of_sorted='
  { k = $1 FS $2; v = $3 + 0 }
  k != p { if (n > 1) printf "%s,%d,%.9f\n", p, n, hi - lo; p = k; n = 0; lo = hi = v }
  { n++; if (v < lo) lo = v; if (v > hi) hi = v }
  END { if (n > 1) printf "%s,%d,%.9f\n", p, n, hi - lo }'
case $formulation in
  version) for v in "$(command sort --version)" "$(mawk -W version 2>&1)"; do echo "${v%%$'\n'*}"; done ;;
  last-tac-sort) { head -n 1 "$in"; rows | tac | sort --key=1,2 --stable --unique; } > "$out" ;;
  last-sort-mawk) { head -n 1 "$in"; rows | sort --key=1,2 --stable |
      mawk -F, '{ k = $1 FS $2 } NR > 1 && k != p { print l } { l = $0; p = k } END { if (NR) print l }'; } > "$out" ;;
  last-tac-mawk) { head -n 1 "$in"; rows | tac | mawk -F, '!seen[$1, $2]++' | tac; } > "$out" ;;
  count-sort-mawk) { echo symbol,timestamp,occurrences,price_shift
      rows | sort --key=1,2 --stable | mawk -F, "$shift_of_sorted"; } > "$out" ;;
  count-uniq-mawk) # first the repeated keys, then only their rows
      rows | cut --delimiter=, --fields=1,2 | sort | uniq --repeated > "$out.keys"
      { echo symbol,timestamp,occurrences,price_shift
        mawk -F, 'NR == FNR { want[$1 FS $2]; next } ($1 FS $2) in want' "$out.keys" "$in" |
          sort --key=1,2 --stable | mawk -F, "$shift_of_sorted"; } > "$out"
      rm "$out.keys" ;;
esac
