module github.com/dynomite-go/dynomite/cmd/dynomited

go 1.26.0

require (
	github.com/dynomite-go/dynomite/node v0.1.0
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.10
	go.yaml.in/yaml/v3 v3.0.6
)
