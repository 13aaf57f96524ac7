package program

// Numbers that steps and their listing have in common.

// Commands of fsconfig(2).
const (
	FsconfigFlag   = 0
	FsconfigString = 1
	FsconfigFD     = 5
	FsconfigCreate = 6
)

// Types of Landlock rules.
const (
	LandlockRulePath = 1 // LANDLOCK_RULE_PATH_BENEATH
	LandlockRulePort = 2 // LANDLOCK_RULE_NET_PORT
)
