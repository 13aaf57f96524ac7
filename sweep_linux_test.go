//go:build amd64 || arm64

package sprog

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The sweeps do something to every step of every case, or try every way. All of it is done with
// SPROG_TEST_SWEEPS=whole, as CI sets it. Otherwise cases are drawn: one of four, and
// one of sixteen with -short. SPROG_TEST_SEED draws the same ones again.
const (
	sweepsVar = "SPROG_TEST_SWEEPS"
	seedVar   = "SPROG_TEST_SEED"
)

// drawn are the cases of a sweep that are run this time, in their order.
func drawn[T any](t *testing.T, all []T) []T {
	if strings.HasPrefix(os.Getenv(insideVar), t.Name()+"/") { // this process is for one of them
		return all
	}
	return drawnAgain(t, seed(), all)
}

// seed is what cases are drawn by, or "" for all.
func seed() string {
	given := os.Getenv(seedVar)
	switch {
	case os.Getenv(sweepsVar) == "whole":
		return ""
	case given == "":
		return strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	return given
}

// drawnAgain draws by a seed, in which processes of one test can agree.
func drawnAgain[T any](t *testing.T, seed string, all []T) []T {
	by, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return all
	}
	t.Logf("cases are drawn: %s=%d draws these again, %s=whole runs all", seedVar, by, sweepsVar)
	of := fnv.New64a()
	of.Write([]byte(t.Name()))
	share := 4
	if testing.Short() {
		share = 16
	}
	order := rand.New(rand.NewPCG(by, of.Sum64())).Perm(len(all))[:(len(all)+share-1)/share]
	slices.Sort(order)
	var some []T
	for _, i := range order {
		some = append(some, all[i])
	}
	return some
}

// fewer is a number of tries: a tenth of n in the short run, where a rare failure may go unnoticed.
func fewer(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}
