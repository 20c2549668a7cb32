"""The sandbox of a drill: Linux namespaces with a root file system of their own, or free ports where those are not permitted."""
