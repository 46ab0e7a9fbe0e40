-- What a workspace's next kernel step is told of the kernel before it.
ALTER TABLE workspaces ADD COLUMN kernel INTEGER NOT NULL DEFAULT 0; -- enum workspace_kernel; 0: nothing
