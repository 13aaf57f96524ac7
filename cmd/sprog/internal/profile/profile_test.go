package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sprog-dev/sprog"
)

func TestParse(t *testing.T) {
	const text = `{
		"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
		"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
		"flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
		"syscalls": [
			{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
			{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
				{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_NE"}]},
			{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
				{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
			{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": []},
			{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
			{"names": ["umount2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
			{"names": ["ptrace"], "action": "SCMP_ACT_TRACE", "errnoRet": 7}
		]}`
	want := &sprog.Seccomp{
		Default: sprog.SeccompErrno, DefaultErrno: new(uint16(38)), Log: true, SpecAllow: true,
		Archs: []string{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
		Rules: []sprog.SeccompRule{
			{Names: []string{"read", "write"}, Action: sprog.SeccompAllow},
			{Names: []string{"umount2"}, Action: sprog.SeccompErrno, Errno: new(uint16(1))},
			{Names: []string{"ptrace"}, Action: sprog.SeccompTrace, Errno: new(uint16(7))},
			{Names: []string{"clone"}, Action: sprog.SeccompAllow, Args: []sprog.SeccompArg{{Op: sprog.SeccompMaskedEQ, Mask: 0x7e020000}}},
			{Names: []string{"socket"}, Action: sprog.SeccompAllow, Args: []sprog.SeccompArg{
				{Op: sprog.SeccompEQ, Value: 1}, {Index: 1, Op: sprog.SeccompNE, Value: 2}}},
			{Names: []string{"personality"}, Action: sprog.SeccompAllow, Args: []sprog.SeccompArg{{Op: sprog.SeccompEQ}}},
			{Names: []string{"personality"}, Action: sprog.SeccompAllow, Args: []sprog.SeccompArg{{Op: sprog.SeccompEQ, Value: 8}}},
		},
	}
	got, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if _, err := got.Program(); err != nil {
		t.Errorf("Program() = %v", err)
	}
}

func TestBadProfiles(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "EOF",
		`[]`:                                  "cannot unmarshal array",
		`{}`:                                  `"defaultAction" is missing`,
		`{"defaultAction":"SCMP_ACT_DENY"}`:   `"SCMP_ACT_DENY" is no action of a seccomp filter`,
		`{"defaultAction":"SCMP_ACT_LOG"} {}`: "something follows the profile",
		`{"linux":{}}`:                        `unknown field "linux"`,
		`{"defaultAction":"SCMP_ACT_LOG","archMap":[]}`:                                                          `"archMap" is of docker's own format`,
		`{"defaultAction":"SCMP_ACT_LOG","flags":["X"]}`:                                                         `"X" is no flag of a filter`,
		`{"defaultAction":"SCMP_ACT_LOG","listenerPath":"/x"}`:                                                   `"listenerPath" is a socket`,
		`{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"action":"SCMP_ACT_LOG"}]}`:                                `syscalls[0]: "names" is missing`,
		`{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"]}]}`:                                       `syscalls[0]: "action" is missing`,
		`{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG","x":1}]}`:         `unknown field "x"`,
		`{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG","includes":{}}]}`: `syscalls[0]: "includes", "excludes" or "comment" is of docker's own format`,
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%s) = %v; want %s", text, err, want)
		}
	}
}
