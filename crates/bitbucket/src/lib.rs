//! bitbucket
