// Package sweep says how much of their work the tests do.
//
// A sweep does something to every step of every case, or tries every way. All of it is done with
// SPROG_TEST_SWEEPS=whole, as CI sets it. Otherwise cases are drawn: one of eight, and one of 32 with -short.
// SPROG_TEST_SEED draws the same ones again.
package sweep

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

const (
	WholeVar = "SPROG_TEST_SWEEPS"
	SeedVar  = "SPROG_TEST_SEED"
)

// Whole reports whether sweeps are whole.
func Whole() bool { return os.Getenv(WholeVar) == "whole" }

// Seed is what cases are drawn by, or "" for all.
func Seed() string {
	given := os.Getenv(SeedVar)
	switch {
	case Whole():
		return ""
	case given == "":
		return strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	return given
}

// Drawn are the cases of a sweep that are run this time, in their order.
func Drawn[T any](t testing.TB, all []T) []T {
	t.Helper()
	return DrawnBy(t, Seed(), all)
}

// DrawnBy draws by a seed, in which processes of one test can agree.
func DrawnBy[T any](t testing.TB, seed string, all []T) []T {
	t.Helper()
	by, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return all
	}
	t.Logf("cases are drawn: %s=%d draws these again, %s=whole runs all", SeedVar, by, WholeVar)
	of := fnv.New64a()
	of.Write([]byte(t.Name()))
	share := 8
	if testing.Short() {
		share = 32
	}
	order := rand.New(rand.NewPCG(by, of.Sum64())).Perm(len(all))[:(len(all)+share-1)/share]
	slices.Sort(order)
	var some []T
	for _, i := range order {
		some = append(some, all[i])
	}
	return some
}

// Fewer is a number of tries: n of them with the whole sweeps, a fifth as a rule, and a twentieth in the short
// run, where a rare failure may go unnoticed.
func Fewer(n int) int {
	switch {
	case Whole():
	case testing.Short():
		n = (n + 19) / 20
	default:
		n = (n + 4) / 5
	}
	return n
}

// Long skips a test that takes seconds, and shows what changes seldom break, in a short run.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds: run it without -short")
	}
}
