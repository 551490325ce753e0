-- migrat: atomic = false
SELECT 1;
