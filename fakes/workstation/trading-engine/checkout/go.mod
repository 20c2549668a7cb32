module github.com/epic1st/trading-engine

go 1.22
