# A system that speaks the national portal's protocol, as small as it can be: curl and two lines of JSON.
#   . call.sh ADDRESS USERNAME PASSWORD     signs in
#   call SERVICE '"key": value, …'          makes a call with the session
address=$1
post() {
  curl -s "$address/mapi/$1" -H "Content-Type: application/json" -H "dstcode: VN:GOV:000.00.00.G22:vpcpdvcprovider" --data-binary "$2"
  echo
}
call() {
  post g "{\"session\": \"$session\", \"madonvi\": \"000.00.10.H22\", \"service\": \"$1\"${2:+, $2}}"
}
session=$(post login "{\"username\": \"$2\", \"password\": \"$3\"}" | sed 's/.*"session": *"\([^"]*\)".*/\1/')
