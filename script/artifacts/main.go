// Command artifacts makes what a release has besides archives and packages: an image for containers and a
// bill of materials. The same binaries make the same files.
//
//	artifacts image VERSION amd64=BINARY arm64=BINARY  an OCI image layout, as a tar archive
//	artifacts sbom VERSION BINARY                      SPDX 2.3, as JSON
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strings"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: artifacts image VERSION ARCH=BINARY... | artifacts sbom VERSION BINARY")
	}
	var err error
	switch os.Args[1] {
	case "image":
		err = image(os.Stdout, os.Args[2], os.Args[3:])
	case "sbom":
		err = sbom(os.Stdout, os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("what is %q?", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// A layout is an OCI image layout in the making.
type layout struct {
	archive *tar.Writer
	err     error
}

// A descriptor names a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (l *layout) file(name string, mode int64, text []byte) {
	if l.err == nil {
		l.err = add(l.archive, name, mode, text)
	}
}

func add(archive *tar.Writer, name string, mode int64, text []byte) error {
	err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(text)), Format: tar.FormatUSTAR})
	if err == nil {
		_, err = archive.Write(text)
	}
	return err
}

// blob adds content under its digest.
func (l *layout) blob(mediaType string, text []byte) descriptor {
	sum := sha256.Sum256(text)
	name := hex.EncodeToString(sum[:])
	l.file("blobs/sha256/"+name, 0o644, text)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: len(text)}
}

func (l *layout) object(mediaType string, value any) descriptor {
	text, err := json.Marshal(value)
	if err != nil && l.err == nil {
		l.err = err
	}
	return l.blob(mediaType, text)
}

// image writes an image with nothing but the binary, for each architecture.
func image(to io.Writer, version string, binaries []string) error {
	l := &layout{archive: tar.NewWriter(to)}
	var manifests []descriptor
	for _, binary := range binaries {
		arch, path, _ := strings.Cut(binary, "=")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		manifests = append(manifests, l.platform(version, arch, text))
	}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": manifests})
	l.file("index.json", 0o644, index)
	l.file("oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	if err == nil {
		err = l.err
	}
	if err == nil {
		err = l.archive.Close()
	}
	return err
}

func (l *layout) platform(version, arch string, binary []byte) descriptor {
	content := new(bytes.Buffer)
	layer := tar.NewWriter(content)
	err := add(layer, "sprog", 0o755, binary)
	if err == nil {
		err = layer.Close()
	}
	if l.err == nil {
		l.err = err
	}
	files := l.blob(layerType, content.Bytes())
	config := l.object(configType, map[string]any{
		"architecture": arch, "os": "linux",
		"config": map[string]any{
			"Entrypoint": []string{"/sprog"},
			"Labels":     map[string]string{"org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "Apache-2.0"},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{files.Digest}},
	})
	d := l.object(manifestType, map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{files},
	})
	d.Platform = map[string]string{"architecture": arch, "os": "linux"}
	d.Annotations = map[string]string{"org.opencontainers.image.ref.name": version}
	return d
}

// sbom writes which modules a binary was made of, as it says itself.
func sbom(to io.Writer, version, path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	main := info.Main
	main.Version = version
	modules := append([]*debug.Module{&main, {Path: "stdlib", Version: info.GoVersion}}, info.Deps...)
	var packages, relations []map[string]any
	for i, m := range modules {
		id := fmt.Sprintf("SPDXRef-%d", i)
		packages = append(packages, map[string]any{
			"SPDXID": id, "name": m.Path, "versionInfo": m.Version, "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
			"externalRefs": []map[string]string{{
				"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
				"referenceLocator": "pkg:golang/" + m.Path + "@" + m.Version,
			}},
		})
		relation := map[string]any{"spdxElementId": "SPDXRef-0", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": id}
		if i == 0 {
			relation = map[string]any{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": id}
		}
		relations = append(relations, relation)
	}
	out := json.NewEncoder(to)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "sprog " + version,
		"documentNamespace": "https://github.com/sprog-dev/sprog/sbom/" + version,
		"creationInfo":      map[string]any{"created": os.Getenv("CREATED"), "creators": []string{"Tool: sprog-artifacts"}},
		"packages":          packages, "relationships": relations,
	})
}
