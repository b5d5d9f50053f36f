module ovnloom.io/sandbox/pause

go 1.24.0
