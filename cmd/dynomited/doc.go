// Dynomited is a Redis-compatible server whose data is replicated over the
// nodes of a cluster.
//
//	dynomited                    one node, in memory, on 127.0.0.1:8102
//	dynomited -c node1.yml       a node as the file says
//	dynomited dev                a cluster of three nodes in this process
//	dynomited hash KEY...        the token and the slot of keys
//	dynomited ring               who owns what, asked of a running node
//	dynomited status             whether a running node is ready, and its peers
//	dynomited remove NODE        take a dead node out of the cluster
//	dynomited config             check, or print, a configuration
//	dynomited version
//
// Every setting can be given as a flag (--data-dir), in the environment
// (DYNOMITED_DATA_DIR) or in the file (data_dir:); flags win over the
// environment, which wins over the file. The settings are the fields of
// node.Config.
package main
