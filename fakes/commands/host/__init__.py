"""What stands behind the commands of the operator's own machine: pm2's processes, systemd's units, nginx's file, sockets."""
