module tokenlease.example/plugin

go 1.21
